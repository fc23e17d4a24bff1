// The payment sheet of a phone: checks what the page handed over, then pays or not.
import { paySignText, randomDigits, rsaVerify } from './crypto.mjs';
import { describeOrder } from './pay-api.mjs';
import { chinaTime } from './world.mjs';

const PAID_WINDOW_S = 48 * 3600;
const fail = (err_desc) => ({ result: 'fail', err_desc });

/** The order a sheet may pay, or `{problem}`. */
function findPayable(world, person, params) {
  const { appId, timeStamp, nonceStr, package: prepay, signType, paySign } = params;
  const texts = [appId, timeStamp, nonceStr, prepay, signType, paySign];
  if (texts.some((value) => typeof value !== 'string' || value === '')) return { problem: '调用支付JSAPI缺少参数' };
  if (appId !== world.config.app_id) return { problem: '商家参数格式有误，appId 不正确' };
  if (signType !== 'RSA') return { problem: '签名方式不正确' };
  if (!/^\d{10}$/.test(timeStamp) || nonceStr.length > 32) return { problem: 'timeStamp 或 nonceStr 不正确' };
  const isSigned = world.keys.merchant.some((key) => rsaVerify(key.public, paySignText(params), paySign));
  if (!isSigned) return { problem: '支付验证签名失败' };
  const entry = /^prepay_id=(.+)$/.exec(prepay)?.[1];
  const known = world.state.prepays[entry];
  const order = known && world.state.orders[known.out_trade_no];
  const now_s = world.clock.now_s();
  if (!order) return { problem: 'prepay_id 不存在' };
  if (now_s >= known.until_s) return { problem: '该订单已过期（prepay_id 超过 2 小时）' };
  if (order.payer !== person.id) return { problem: '当前微信用户不是下单用户' };
  if (order.transaction_id) return { problem: '该订单已支付' };
  if (order.state === 'CLOSED') return { problem: '该订单已关闭' };
  if (order.pay_until_s !== null && now_s >= order.pay_until_s) return { problem: '已过支付截止时间' };
  return { order };
}

function settle(world, notify, person, order, coupon_fen) {
  const now_ms = world.clock.now_ms();
  const total = order.body.amount.total;
  Object.assign(order, {
    state: 'SUCCESS',
    transaction_id: `4200${randomDigits(24)}`,
    paid_s: Math.floor(now_ms / 1000),
    success_time: chinaTime(now_ms),
    payer_total: Math.max(0, total - coupon_fen),
  });
  person.windows.push({ kind: 'paid', left: null, until_s: order.paid_s + PAID_WINDOW_S });
  world.say(person, { from: 'pay', kind: 'receipt', title: '支付成功', fen: order.payer_total, note: order.body.description });
  notify({
    url: order.body.notify_url,
    event_type: 'TRANSACTION.SUCCESS',
    original_type: 'transaction',
    summary: '支付成功',
    resource: describeOrder(world, order),
  });
  world.changed();
}

/** `decision` is `preview` (what the sheet shows), `pay` or `cancel`; the result is as the page hears it. */
export function useSheet(world, notify, person, { decision, coupon_fen = 0, ...params }) {
  const { problem, order } = findPayable(world, person, params);
  if (problem) return fail(problem);
  const offer = { fen: order.body.amount.total, description: order.body.description, merchant: world.config.account_name };
  if (decision === 'preview') return { result: 'preview', ...offer };
  if (decision === 'cancel') return { result: 'cancel' };
  if (decision !== 'pay') return fail('decision 不正确');
  settle(world, notify, person, order, coupon_fen);
  return { result: 'ok', ...offer };
}
