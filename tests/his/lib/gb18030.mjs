// GB18030 there and back. Node reads it; the table to write it is what Node reads, turned round.
const reader = new TextDecoder('gb18030', { fatal: true });
const ASTRAL_START = 0x10000;
// The four-byte codes of the planes above the first count on from here.
const ASTRAL_LINEAR = 189000;
const BMP_LINEAR_MAX = 39420;

function fourBytes(linear) {
  const bytes = [];
  for (const radix of [10, 126, 10]) {
    bytes.unshift(linear % radix);
    linear = Math.trunc(linear / radix);
  }
  const [second, third, fourth] = bytes;
  return Buffer.from([0x81 + linear, 0x30 + second, 0x81 + third, 0x30 + fourth]);
}

let table;
function tableOf() {
  if (table) return table;
  table = new Map();
  const add = (bytes) => {
    try {
      const text = reader.decode(bytes);
      if ([...text].length === 1 && !table.has(text)) table.set(text, bytes);
    } catch {
      // Not a character.
    }
  };
  for (let byte = 0; byte < 0x80; byte += 1) add(Buffer.from([byte]));
  for (let lead = 0x81; lead <= 0xfe; lead += 1) {
    for (let trail = 0x40; trail <= 0xfe; trail += 1) if (trail !== 0x7f) add(Buffer.from([lead, trail]));
  }
  for (let linear = 0; linear < BMP_LINEAR_MAX; linear += 1) add(fourBytes(linear));
  return table;
}

/** The text; throws when the bytes are none. */
export const decode = (bytes) => reader.decode(bytes);

/** The bytes of a text. */
export function encode(text) {
  const bytesOf = (character) => {
    const code = character.codePointAt(0);
    return code >= ASTRAL_START ? fourBytes(code - ASTRAL_START + ASTRAL_LINEAR) : tableOf().get(character);
  };
  return Buffer.concat([...text].map(bytesOf));
}
