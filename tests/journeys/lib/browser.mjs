// A real browser: the page of the phones, and pages alone at a phone's width.
import fs from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { PHONE, ROOT } from './stack.mjs';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const WAIT_MAX_MS = 10_000;
const SHOTS = path.join(ROOT, 'target/screenshots');

export async function startBrowser() {
  fs.mkdirSync(SHOTS, { recursive: true });
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
}

export const shot = (page, name) => page.screenshot({ path: path.join(SHOTS, `${name}.png`) });

/** The page with all phones. Errors of its script fail the test through `problems`. */
export async function openPhones(browser) {
  const page = await browser.newPage({ viewport: { width: 1440, height: 980 }, locale: 'zh-CN' });
  page.setDefaultTimeout(WAIT_MAX_MS);
  const problems = [];
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(PHONE);
  return { page, problems };
}

/** One person's phone on that page: its chat, its menu, and the page it shows. */
export class Phone {
  constructor(page, { id, nickname }) {
    this.page = page;
    this.id = id;
    this.screen = page.locator(`section.phone[aria-label="${nickname}的手机"]`);
    this.seat = page.locator('article.seat').filter({ has: this.screen });
    this.web = this.screen.frameLocator('iframe');
    this.chat = this.screen.locator('.chat');
  }

  follow() {
    return this.screen.getByRole('button', { name: '关注', exact: true }).first().click();
  }

  async menu(...names) {
    for (const name of names) await this.screen.locator('.menu button').getByText(name, { exact: true }).click();
  }

  /** A link or a button of the page. */
  tap(name, options = {}) {
    const wanted = { name, exact: typeof name === 'string', ...options };
    return this.web.getByRole('link', wanted).or(this.web.getByRole('button', wanted)).first().click();
  }

  see(text) {
    return this.web.getByText(text).first().waitFor();
  }

  fill() {
    return this.seat.getByRole('button', { name: '填入表单' }).click();
  }

  closePage() {
    return this.screen.getByRole('button', { name: '关闭网页' }).click();
  }

  card(title) {
    return this.chat.locator('.message-card').filter({ hasText: title });
  }
}

/** What does not fit the page's width, and what is too small for a thumb. */
export async function measure(page, smallest_px = 44) {
  return page.evaluate((smallest) => {
    const describe = (node) => `${node.tagName.toLowerCase()}.${node.className} “${(node.innerText ?? node.name ?? '').trim().slice(0, 20)}”`;
    const shown = (node) => node.getClientRects().length > 0 && getComputedStyle(node).visibility !== 'hidden' && !node.closest('details:not([open]) > :not(summary)');
    const target = (node) => (['radio', 'checkbox'].includes(node.type) ? node.closest('label') ?? node : node);
    // A link inside a sentence is as high as the sentence (WCAG 2.2, 2.5.8).
    const inline = (node) => node.tagName === 'A' && getComputedStyle(node).display === 'inline' && node.parentElement.innerText.trim() !== node.innerText.trim();
    const targets = [...new Set([...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')].map(target))];
    const small = targets.filter((node) => shown(node) && !inline(node)).map((node) => [node, node.getBoundingClientRect()])
      .filter(([, box]) => Math.min(box.width, box.height) < smallest - 0.5)
      .map(([node, box]) => `${describe(node)} ${Math.round(box.width)}×${Math.round(box.height)}`);
    return { overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth, small };
  }, smallest_px);
}
