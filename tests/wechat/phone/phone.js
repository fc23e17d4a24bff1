// The demo phones: what each invented person sees in WeChat, kept up to date by server-sent events.

const STAMP_GAP_MS = 5 * 60_000;
const TOAST_MS = 1800;
const CLOCK_TICK_MS = 1000;
const WEEKDAYS = ['周日', '周一', '周二', '周三', '周四', '周五', '周六'];
const ICONS = {
  keyboard: '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.5"><rect x="2.5" y="5.5" width="19" height="13" rx="2"/><path d="M6 9.5h.01M9 9.5h.01M12 9.5h.01M15 9.5h.01M18 9.5h.01M6 12.5h.01M9 12.5h.01M12 12.5h.01M15 12.5h.01M18 12.5h.01M8 15.5h8" stroke-linecap="round"/></svg>',
  menu: '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round"><path d="M5 7h14M5 12h14M5 17h14"/></svg>',
  dots: '<svg viewBox="0 0 24 24" fill="currentColor"><circle cx="5" cy="12" r="1.8"/><circle cx="12" cy="12" r="1.8"/><circle cx="19" cy="12" r="1.8"/></svg>',
};

// Small helpers -------------------------------------------------------------------------------

function el(tag, fields = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(fields)) {
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name === 'class') node.className = value;
    else if (name === 'icon') node.innerHTML = ICONS[value];
    else if (name in node && typeof value !== 'string') node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

async function control(path, body) {
  const response = await fetch(`/control/${path}`, body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

let toastTimer;
function toast(text) {
  const node = document.getElementById('toast');
  node.textContent = text;
  node.classList.add('shown');
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => node.classList.remove('shown'), TOAST_MS);
}

const attempt = (work) => async (...args) => {
  try {
    return await work(...args);
  } catch (error) {
    toast(error.message);
    return undefined;
  }
};

const yuan = (fen) => `¥${Math.floor(fen / 100)}.${String(fen % 100).padStart(2, '0')}`;
const inChina = (ms) => new Date(ms + 8 * 3600_000);
const hhmm = (ms) => inChina(ms).toISOString().slice(11, 16);
const monthDay = (ms) => { const day = inChina(ms); return `${day.getUTCMonth() + 1}月${day.getUTCDate()}日`; };

// The clock -----------------------------------------------------------------------------------

const clock = { offset_ms: 0, now_ms: () => Date.now() + clock.offset_ms };

function showClock() {
  const now = clock.now_ms();
  document.getElementById('time').textContent = hhmm(now);
  document.getElementById('date').textContent = `${monthDay(now)} ${WEEKDAYS[inChina(now).getUTCDay()]}`;
  document.querySelector('.clock').classList.toggle('moved', clock.offset_ms !== 0);
  for (const node of document.querySelectorAll('.status .at')) node.textContent = hhmm(now);
}

function nextMorning() {
  const morning = inChina(clock.now_ms());
  if (morning.getUTCHours() >= 7) morning.setUTCDate(morning.getUTCDate() + 1);
  morning.setUTCHours(7, 0, 0, 0);
  return `${morning.toISOString().slice(0, 19)}+08:00`;
}

function wireClock() {
  const buttons = document.querySelectorAll('.clock button');
  const move = attempt(async (wish) => {
    buttons.forEach((button) => { button.disabled = true; });
    try {
      await control('clock', wish);
    } finally {
      buttons.forEach((button) => { button.disabled = false; });
    }
  });
  for (const button of buttons) {
    const { advance, morning } = button.dataset;
    button.addEventListener('click', () => move(advance ? { advance_s: Number(advance) } : morning !== undefined ? { set: nextMorning() } : { reset: true }));
  }
  setInterval(showClock, CLOCK_TICK_MS);
}

// Messages ------------------------------------------------------------------------------------

/** Text with the `<a href>` links that a chat shows; everything else stays text. */
function richText(text, open) {
  const parts = [];
  let at = 0;
  for (const match of text.matchAll(/<a\s+[^>]*href=["']([^"']+)["'][^>]*>([\s\S]*?)<\/a>/gi)) {
    parts.push(text.slice(at, match.index), el('button', { onclick: () => open(match[1]) }, match[2]));
    at = match.index + match[0].length;
  }
  return [...parts, text.slice(at)];
}

const hospitalFace = () => el('div', { class: 'face hospital', 'aria-hidden': 'true' }, '✚');

function rowsOf(rows) {
  return el('dl', {}, ...rows.flatMap(({ label, value }) => [el('dt', {}, label), el('dd', {}, value)]));
}

function templateCard(message, phone) {
  const inside = [
    el('div', { class: 'from' }, hospitalFace(), phone.account.name),
    el('div', { class: 'body' }, el('h4', {}, message.title), rowsOf(message.rows)),
  ];
  if (!message.url) return el('div', { class: 'message-card' }, ...inside);
  return el('button', { class: 'message-card', onclick: () => phone.open(message.url) }, ...inside, el('div', { class: 'more' }, '查看详情'));
}

function newsCard({ article }, phone) {
  return el('button', { class: 'message-card', onclick: () => article.url && phone.open(article.url) },
    el('div', { class: 'body' }, el('h4', {}, article.title), el('div', { class: 'note' }, article.description ?? '')),
    el('div', { class: 'more' }, '阅读全文'));
}

function receipt(message) {
  return el('div', { class: 'message-card receipt' },
    el('div', { class: 'from' }, el('div', { class: 'face pay' }, '✓'), '微信支付'),
    el('div', { class: 'body' }, el('h4', {}, message.title), el('div', { class: 'sum' }, yuan(message.fen)), el('div', { class: 'note' }, message.note)));
}

function line(message, phone) {
  const mine = message.from === 'person';
  const face = mine ? phone.face() : hospitalFace();
  const content = message.kind === 'text'
    ? el('div', { class: 'bubble' }, ...richText(message.text, phone.open))
    : el('div', { class: 'picture' }, { image: '[图片]', voice: '[语音]', video: '[视频]', music: '[音乐]' }[message.kind] ?? '[消息]');
  return el('div', { class: `line${mine ? ' mine' : ''}` }, face, content);
}

function drawMessage(message, phone) {
  if (message.kind === 'notice') return el('div', { class: 'notice' }, message.text);
  if (message.kind === 'template' || message.kind === 'subscription') return templateCard(message, phone);
  if (message.kind === 'news') return newsCard(message, phone);
  if (message.kind === 'receipt') return receipt(message);
  return line(message, phone);
}

// One phone -----------------------------------------------------------------------------------

class Phone {
  constructor(person) {
    this.id = person.id;
    this.person = person;
    this.drawn = [];
    this.menuText = '';
    this.writing = false;
    this.browserSequence = 0;
    this.open = attempt((url) => control(`people/${this.id}/open`, { url }));
    this.do = attempt((deed, body = {}) => control(`people/${this.id}/${deed}`, body));
    this.build();
  }

  face() {
    return el('div', { class: 'face', style: `background:${this.person.colour}`, 'aria-hidden': 'true' }, (this.person.demo.name ?? this.person.nickname).slice(0, 1));
  }

  status() {
    return el('div', { class: 'status' }, el('span', { class: 'at' }), el('span', { class: 'signs' }, '5G ▮'));
  }

  build() {
    const { person } = this;
    this.name = el('h2');
    this.chat = el('div', { class: 'chat', role: 'log', 'aria-label': `${person.nickname}的聊天` });
    this.profile = el('div', { class: 'profile' });
    this.foot = el('div', { class: 'foot' });
    this.buildBrowser();
    this.screen = el('section', { class: 'phone', 'aria-label': `${person.nickname}的手机` },
      this.status(),
      el('div', { class: 'title' }, el('span'), this.name, el('button', { icon: 'dots', 'aria-label': '更多', onclick: () => this.showMore() })),
      this.profile, this.chat, this.foot, this.browser);
    this.fill = el('button', { class: 'fill', title: '把这些信息填进手机里打开的表单', disabled: true, onclick: () => this.tellPage({ kind: 'fill', demo: this.person.demo }) }, '填入表单');
    this.seat = el('article', { class: 'seat' }, this.card(), this.screen);
  }

  card() {
    const { demo, about } = this.person;
    const labels = { name: '姓名', document: '证件', phone: '手机', card: '卡号' };
    const copy = (value) => attempt(async () => {
      await navigator.clipboard.writeText(value);
      toast('已复制');
    });
    const rows = Object.entries(labels).filter(([key]) => key !== 'name' && demo[key])
      .map(([key, label]) => el('div', {}, el('dt', {}, label), el('dd', {}, el('button', { title: '点一下复制', onclick: copy(demo[key]) }, demo[key]))));
    return el('div', { class: 'card' }, this.face(),
      el('div', {}, el('div', {}, el('button', { class: 'who', title: '点一下复制', onclick: copy(demo.name) }, demo.name)),
        el('div', { class: 'about' }, about), el('dl', {}, ...rows)),
      this.fill);
  }

  buildBrowser() {
    this.pageTitle = el('h2');
    this.frame = el('iframe', { title: '微信内的网页', allow: 'clipboard-write' });
    this.browser = el('div', { class: 'browser', hidden: true },
      this.status(),
      el('div', { class: 'title' },
        el('div', {},
          el('button', { 'aria-label': '关闭网页', onclick: () => this.do('close') }, '✕'),
          el('button', { 'aria-label': '返回上一页', onclick: () => this.tellPage({ kind: 'back' }) }, '‹')),
        this.pageTitle),
      this.frame);
  }

  tellPage(message) {
    this.frame.contentWindow?.postMessage(message, this.person.origin);
  }

  update(person, state) {
    this.person = person;
    this.account = state.account;
    this.name.textContent = state.account.name;
    this.profile.hidden = person.follows || person.chat.length > 0;
    this.chat.hidden = !this.profile.hidden;
    this.drawProfile();
    this.drawChat();
    this.drawFoot(state.menu);
    this.drawBrowser();
  }

  drawProfile() {
    if (this.profile.hidden || this.profile.childElementCount > 0) return;
    const follow = () => this.do('follow');
    this.profile.append(hospitalFace(), el('h3', {}, this.account.name), el('p', {}, '服务号 · 预约挂号 · 就诊提醒'),
      el('button', { class: 'qr', title: '扫一扫', onclick: follow }, el('img', { alt: '公众号二维码', src: `/control/qr.svg?text=${encodeURIComponent(`http://weixin.qq.com/r/${this.account.original_id}`)}` })),
      el('p', {}, '扫码，或者直接'), el('button', { class: 'green', onclick: follow }, '关注'));
  }

  drawChat() {
    const messages = this.person.chat;
    const ids = messages.map((message) => message.id);
    const fresh = this.drawn.length === 0 || this.drawn.some((id, index) => ids[index] !== id);
    if (fresh) {
      this.chat.replaceChildren();
      this.drawn = [];
    }
    const added = messages.slice(this.drawn.length);
    if (added.length === 0) return;
    for (const message of added) {
      const last = messages[this.drawn.length - 1];
      if (!last || Math.abs(message.at_ms - last.at_ms) > STAMP_GAP_MS) this.chat.append(el('div', { class: 'stamp' }, `${monthDay(message.at_ms)} ${hhmm(message.at_ms)}`));
      this.chat.append(drawMessage(message, this));
      this.drawn.push(message.id);
    }
    this.scrollToEnd();
  }

  scrollToEnd() {
    requestAnimationFrame(() => { this.chat.scrollTop = this.chat.scrollHeight; });
  }

  drawFoot(menu) {
    const text = JSON.stringify([menu, this.writing, this.person.follows]);
    if (text === this.menuText) return;
    this.menuText = text;
    this.foot.hidden = !this.person.follows && this.person.chat.length === 0;
    if (!this.person.follows) {
      this.foot.replaceChildren(el('button', { class: 'green', style: 'margin:6px auto 0', onclick: () => this.do('follow') }, '关注'));
      return;
    }
    const showWriting = this.writing || menu.length === 0;
    const swap = el('button', { class: 'swap', icon: showWriting ? 'menu' : 'keyboard', 'aria-label': showWriting ? '菜单' : '键盘', onclick: () => this.swap(menu) });
    this.foot.replaceChildren(...(menu.length > 0 ? [swap] : []), showWriting ? this.writeBox() : this.menuBar(menu));
  }

  swap(menu) {
    this.writing = !this.writing;
    this.drawFoot(menu);
    this.foot.querySelector('input')?.focus();
  }

  writeBox() {
    const input = el('input', { 'aria-label': '写消息', placeholder: '发消息', maxlength: '500', enterkeyhint: 'send', autocomplete: 'off' });
    const send = (event) => {
      event.preventDefault();
      const content = input.value.trim();
      if (content === '') return;
      input.value = '';
      this.do('text', { content });
    };
    return el('form', { class: 'write', onsubmit: send }, input, el('button', {}, '发送'));
  }

  menuBar(menu) {
    const press = (path) => {
      this.foot.querySelectorAll('.sub').forEach((sub) => sub.remove());
      this.do('menu', { path });
    };
    return el('div', { class: 'menu' }, ...menu.map((button, index) => {
      const subs = button.sub_button ?? [];
      const slot = el('div');
      const toggle = () => {
        const shown = slot.querySelector('.sub');
        this.foot.querySelectorAll('.sub').forEach((sub) => sub.remove());
        if (!shown) slot.append(el('div', { class: 'sub' }, ...subs.map((sub, at) => el('button', { onclick: () => press([index, at]) }, sub.name))));
      };
      slot.append(el('button', { class: `top${subs.length ? ' has-sub' : ''}`, onclick: subs.length ? toggle : () => press([index]) }, button.name));
      return slot;
    }));
  }

  drawBrowser() {
    const { browser } = this.person;
    const address = browser?.address ?? null;
    this.fill.disabled = address === null;
    if (address === null) {
      if (!this.browser.hidden) this.frame.src = 'about:blank';
      this.browser.hidden = true;
      this.browserSequence = 0;
      return;
    }
    this.browser.hidden = false;
    if (browser.sequence === this.browserSequence) return;
    this.browserSequence = browser.sequence;
    this.pageTitle.textContent = '';
    this.frame.src = address;
  }

  // Sheets

  veil(...content) {
    const veil = el('div', { class: 'veil' }, ...content);
    this.screen.append(veil);
    return veil;
  }

  showMore() {
    const close = () => veil.remove();
    const row = (text, action, kind = '') => el('button', { class: `row ${kind}`, onclick: () => { close(); action(); } }, text);
    const scans = (state?.qrcodes ?? []).slice(-4).map(({ ticket, scene }) => row(`扫一扫：${scene}`, () => this.do('scan', { ticket })));
    const rows = [...scans, this.person.follows ? row('取消关注', () => this.do('unfollow'), 'warn') : row('关注', () => this.do('follow'))];
    const veil = this.veil(el('div', { class: 'sheet' }, ...rows, row('取消', () => {}, 'last')));
    veil.addEventListener('click', (event) => event.target === veil && close());
  }

  async pay(id, params) {
    const answer = (result, err_desc) => this.tellPage({ kind: 'paid', id, result, err_desc });
    const offer = await this.do('pay', { ...params, decision: 'preview' });
    if (offer?.result !== 'preview') {
      toast(offer?.err_desc ?? '支付失败');
      return answer('fail', offer?.err_desc);
    }
    return this.showSheet(offer, params, answer);
  }

  showSheet(offer, params, answer) {
    const decide = async (decision) => {
      veil.querySelectorAll('button').forEach((button) => { button.disabled = true; });
      const outcome = await this.do('pay', { ...params, decision });
      veil.remove();
      if (outcome?.result === 'ok') this.showDone(offer, () => answer('ok'));
      else {
        if (outcome?.err_desc) toast(outcome.err_desc);
        answer(outcome?.result ?? 'fail', outcome?.err_desc);
      }
    };
    const veil = this.veil(el('div', { class: 'sheet pay-sheet', role: 'dialog', 'aria-label': '确认支付' },
      el('button', { class: 'close', 'aria-label': '取消', onclick: () => decide('cancel') }, '✕'),
      el('p', { class: 'merchant' }, offer.merchant), el('div', { class: 'fen' }, yuan(offer.fen)),
      el('dl', {}, el('dt', {}, '商品'), el('dd', {}, offer.description), el('dt', {}, '付款方式'), el('dd', {}, '零钱')),
      el('button', { class: 'green', onclick: () => decide('pay') }, '支付'),
      el('button', { class: 'cancel', onclick: () => decide('cancel') }, '取消'),
      el('p', { class: 'fake' }, '演示支付，不会扣款')));
  }

  showDone(offer, done) {
    const page = el('div', { class: 'done' }, el('div', { class: 'tick' }, '✓'), el('b', {}, '支付成功'),
      el('div', { class: 'fen' }, yuan(offer.fen)), el('div', { class: 'merchant' }, offer.merchant),
      el('button', { onclick: () => { page.remove(); done(); } }, '完成'));
    this.screen.append(page);
  }

  hear(message) {
    if (message.kind === 'page') this.pageTitle.textContent = message.title;
    else if (message.kind === 'close') this.do('close');
    else if (message.kind === 'pay') this.pay(message.id, message.params);
  }
}

// All phones ----------------------------------------------------------------------------------

const phones = new Map();
let state;

function choose(id) {
  for (const [key, phone] of phones) phone.seat.classList.toggle('chosen', key === id);
  phones.get(id).scrollToEnd();
  for (const tab of document.querySelectorAll('#tabs button')) tab.setAttribute('aria-selected', String(tab.dataset.id === id));
}

function addPhone(person) {
  const phone = new Phone(person);
  phones.set(person.id, phone);
  document.getElementById('desk').append(phone.seat);
  document.getElementById('tabs').append(el('button', { 'data-id': person.id, role: 'tab', onclick: () => choose(person.id) }, person.demo.name ?? person.nickname));
  if (phones.size === 1) choose(person.id);
}

let refreshing = false;
let stale = false;
async function refresh() {
  if (refreshing) {
    stale = true;
    return;
  }
  refreshing = true;
  try {
    state = await control('phone');
    clock.offset_ms = state.clock.offset_s * 1000;
    for (const person of state.people) {
      if (!phones.has(person.id)) addPhone(person);
      phones.get(person.id).update(person, state);
    }
    showClock();
  } finally {
    refreshing = false;
  }
  if (stale) {
    stale = false;
    await refresh();
  }
}

window.addEventListener('message', (event) => {
  if (event.data?.wechat !== true) return;
  const phone = [...phones.values()].find((entry) => entry.frame.contentWindow === event.source && entry.person.origin === event.origin);
  phone?.hear(event.data);
});
document.addEventListener('click', (event) => {
  if (!event.target.closest('.menu')) document.querySelectorAll('.menu .sub').forEach((sub) => sub.remove());
});

wireClock();
new EventSource('/control/events').addEventListener('message', () => refresh().catch(() => {}));
