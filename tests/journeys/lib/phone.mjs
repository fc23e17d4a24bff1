// A person's phone as they see it: its pages need no script.
import { Person } from './person.mjs';
import { PHONE } from './stack.mjs';

const TAIL_CHARS = 6;
const WAIT_MAX_MS = 10_000;
/** As WeChat enlarges type. */
export const enlarge = (page) => page.evaluate(() => document.documentElement.style.setProperty('-webkit-text-size-adjust', '150%'));

/** Somebody with a digital card. */
export async function withCard(name) {
  const person = await Person.ready(name);
  return { person, card: await person.makeCard() };
}

/** The phone of a person, who proves who they are where a page asks for it. */
export async function phoneOf(browser, person, { width = 375, large = false } = {}) {
  const context = await browser.newContext({ viewport: { width, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, locale: 'zh-CN', javaScriptEnabled: false });
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MAX_MS);
  const origin = `http://${person.id}.phone.localhost:${new URL(PHONE).port}`;
  const open = async (path) => {
    await page.goto(origin + path);
    const tail = page.locator('input[name="tail"]');
    if (await tail.count()) {
      await tail.fill(person.demo.document.slice(-TAIL_CHARS));
      await page.getByRole('button', { name: '确认并查看' }).click();
    }
    if (large) await enlarge(page);
  };
  const read = async (path) => {
    await open(path);
    return page.locator('main').innerText();
  };
  return { page, open, read, close: () => context.close() };
}
