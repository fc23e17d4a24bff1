// Reports as laboratories and imaging departments write them, invented.
const CHINA_MS = 8 * 3600_000;
const HOUR_MS = 3600_000;
const wall = (at) => new Date(at + CHINA_MS).toISOString();
const digits = (at) => wall(at).replace(/\D/g, '').slice(0, 14);
const clock = (at) => wall(at).slice(0, 19).replace('T', ' ');

/** Items of a blood count: code, value, unit, range, flag. */
export const BLOOD = [
  ['718-7^血红蛋白^LN', '98', 'g/L', '115-150', 'L'],
  ['6690-2^白细胞计数^LN', '6.2', '10*9/L', '3.5-9.5', 'N'],
  ['777-3^血小板计数^LN', '412', '10*9/L', '125-350', 'H'],
  ['2823-3^血钾^LN', '4.1', 'mmol/L', '3.5-5.3', 'N'],
  ['1988-5^C反应蛋白^LN', '<0.5', 'mg/L', '0-10', 'N'],
];

/** The same with another value for one item. */
export const withValue = (items, name, value, flag) => items.map((item) => (item[0].includes(name) ? [item[0], value, item[2], item[3], flag] : item));

/** An ORU^R01 of one examination. */
export function bloodCount({ card, number, at, status = 'F', items = BLOOD, title = '血常规' }) {
  const observed = items.map(([code, value, unit, range, flag], index) =>
    `OBX|${index + 1}|${/^\d/.test(value) ? 'NM' : 'ST'}|${code}||${value}|${unit}|${range}|${flag}|||${status}`);
  return [
    `MSH|^~\\&|LIS|LAB|DESK|H|${digits(at)}||ORU^R01|M-${number}-${status}-${at}|P|2.5||||||UNICODE UTF-8`,
    `PID|1||${card}^^^H^MR||`,
    `OBR|1|O-${number}|${number}|58410-2^${title}^LN|||${digits(at - HOUR_MS)}|||||||||||||||${digits(at)}||LAB|${status}`,
    ...observed,
    '',
  ].join('\r');
}

/** A culture with what the organism withstands, in the JSON of a front-end machine. */
export const culture = ({ card, number, at }) => JSON.stringify({
  reportNo: number, hospitalCode: 'H001', reportType: '微生物', reportName: '痰培养及药敏', status: 'F', cardNo: card, reportTime: clock(at), specimenType: '痰',
  bacteria: [{ bacteriaCode: 'eco', bacteriaName: '大肠埃希菌', colonyCount: '10^5', drugs: [
    { drugName: '氨苄西林', mic: '>=32', result: 'R' }, { drugName: '头孢呋辛', mic: '8', result: 'I' }, { drugName: '美罗培南', mic: '<=0.25', result: 'S' },
  ] }],
});

/** Findings and impression, in the XML of a front-end machine. */
export const chestScan = ({ card, number, at }) => [
  '<?xml version="1.0" encoding="UTF-8"?><request><params><report>',
  `<REPORT_ID>${number}</REPORT_ID><HOSPITAL_ID>H001</HOSPITAL_ID><REPORT_TYPE>影像</REPORT_TYPE><STATUS>已审核</STATUS><EXAM_NAME>胸部CT平扫</EXAM_NAME>`,
  `<CARD_NO>${card}</CARD_NO><MODALITY>CT</MODALITY><BODY_PART>胸部</BODY_PART>`,
  '<CHECK_SEE><![CDATA[双肺纹理清晰，右肺上叶见一实性小结节，大小约 4 mm，边缘光滑。\n余肺野未见实变影。气管及主支气管通畅，纵隔未见肿大淋巴结。]]></CHECK_SEE>',
  `<IMPRESSION>右肺上叶实性小结节（约 4 mm），建议 12 个月后复查。</IMPRESSION><REPORT_DOCTOR>冯四</REPORT_DOCTOR><REPORT_TIME>${clock(at)}</REPORT_TIME><items/>`,
  '</report></params></request>',
].join('');
