// A small QR code encoder (ISO/IEC 18004): byte mode, error correction level M, versions 1 to 10, drawn as SVG.

/** Per version: data codewords, error codewords per block, block sizes, alignment centres. */
const VERSIONS = [
  null,
  { ecc: 10, blocks: [16], align: [] },
  { ecc: 16, blocks: [28], align: [6, 18] },
  { ecc: 26, blocks: [44], align: [6, 22] },
  { ecc: 18, blocks: [32, 32], align: [6, 26] },
  { ecc: 24, blocks: [43, 43], align: [6, 30] },
  { ecc: 16, blocks: [27, 27, 27, 27], align: [6, 34] },
  { ecc: 18, blocks: [31, 31, 31, 31], align: [6, 22, 38] },
  { ecc: 22, blocks: [38, 38, 39, 39], align: [6, 24, 42] },
  { ecc: 22, blocks: [36, 36, 36, 37, 37], align: [6, 26, 46] },
  { ecc: 26, blocks: [43, 43, 43, 43, 44], align: [6, 28, 50] },
];
const QUIET_ZONE = 4;
const FIELD_POLYNOMIAL = 0x11d;

const EXP = [];
const LOG = [];
for (let i = 0, x = 1; i < 255; i += 1) {
  EXP[i] = x;
  LOG[x] = i;
  x <<= 1;
  if (x & 0x100) x ^= FIELD_POLYNOMIAL;
}
const multiply = (a, b) => (a === 0 || b === 0 ? 0 : EXP[(LOG[a] + LOG[b]) % 255]);

function errorCodewords(data, count) {
  let generator = [1];
  for (let i = 0; i < count; i += 1) {
    const next = new Array(generator.length + 1).fill(0);
    generator.forEach((term, at) => {
      next[at] ^= term;
      next[at + 1] ^= multiply(term, EXP[i]);
    });
    generator = next;
  }
  const rest = [...data, ...new Array(count).fill(0)];
  for (let i = 0; i < data.length; i += 1) {
    const lead = rest[i];
    generator.forEach((term, at) => { rest[i + at] ^= multiply(term, lead); });
  }
  return rest.slice(data.length);
}

function codewords(bytes, version) {
  const { ecc, blocks } = VERSIONS[version];
  const capacity = blocks.reduce((sum, size) => sum + size, 0);
  const bits = [];
  const put = (value, width) => { for (let i = width - 1; i >= 0; i -= 1) bits.push((value >> i) & 1); };
  put(0b0100, 4);
  put(bytes.length, version < 10 ? 8 : 16);
  for (const byte of bytes) put(byte, 8);
  put(0, Math.min(4, capacity * 8 - bits.length));
  while (bits.length % 8) bits.push(0);
  const data = [];
  for (let i = 0; i < bits.length; i += 8) data.push(Number.parseInt(bits.slice(i, i + 8).join(''), 2));
  for (let pad = 0xec; data.length < capacity; pad ^= 0xec ^ 0x11) data.push(pad);
  const dataBlocks = [];
  let at = 0;
  for (const size of blocks) dataBlocks.push(data.slice(at, (at += size)));
  const errorBlocks = dataBlocks.map((block) => errorCodewords(block, ecc));
  const interleave = (lists) => Array.from({ length: Math.max(...lists.map((list) => list.length)) }, (_, i) => lists.map((list) => list[i])).flat().filter((word) => word !== undefined);
  return [...interleave(dataBlocks), ...interleave(errorBlocks)];
}

const bch = (value, polynomial, width) => {
  let rest = value << width;
  for (let i = 31 - Math.clz32(rest); i >= width; i = 31 - Math.clz32(rest)) rest ^= polynomial << (i - width);
  return (value << width) | rest;
};

const MASKS = [
  (r, c) => (r + c) % 2 === 0,
  (r) => r % 2 === 0,
  (r, c) => c % 3 === 0,
  (r, c) => (r + c) % 3 === 0,
  (r, c) => (Math.floor(r / 2) + Math.floor(c / 3)) % 2 === 0,
  (r, c) => ((r * c) % 2) + ((r * c) % 3) === 0,
  (r, c) => (((r * c) % 2) + ((r * c) % 3)) % 2 === 0,
  (r, c) => (((r + c) % 2) + ((r * c) % 3)) % 2 === 0,
];

/** The function patterns; `undefined` is where data goes. */
function skeleton(version) {
  const size = 17 + version * 4;
  const grid = Array.from({ length: size }, () => new Array(size).fill(undefined));
  const set = (r, c, dark) => { if (r >= 0 && c >= 0 && r < size && c < size) grid[r][c] = dark; };
  for (const [top, left] of [[0, 0], [0, size - 7], [size - 7, 0]]) {
    for (let r = -1; r <= 7; r += 1) for (let c = -1; c <= 7; c += 1) {
      const ring = Math.max(Math.abs(r - 3), Math.abs(c - 3));
      set(top + r, left + c, ring <= 1 || ring === 3);
    }
  }
  const { align } = VERSIONS[version];
  for (const r of align) for (const c of align) {
    const corner = (r === 6 && c === 6) || (r === 6 && c === size - 7) || (r === size - 7 && c === 6);
    if (corner) continue;
    for (let y = -2; y <= 2; y += 1) for (let x = -2; x <= 2; x += 1) set(r + y, c + x, Math.max(Math.abs(y), Math.abs(x)) !== 1);
  }
  for (let i = 8; i < size - 8; i += 1) {
    set(6, i, i % 2 === 0);
    set(i, 6, i % 2 === 0);
  }
  return grid;
}

function putFormat(grid, mask) {
  const size = grid.length;
  const bits = bch(mask, 0x537, 10) ^ 0x5412;
  const bit = (i) => ((bits >> i) & 1) === 1;
  for (let i = 0; i < 15; i += 1) {
    grid[i < 6 ? i : i < 8 ? i + 1 : size - 15 + i][8] = bit(i);
    grid[8][i < 8 ? size - 1 - i : i < 9 ? 7 : 14 - i] = bit(i);
  }
  grid[size - 8][8] = true;
}

function putVersion(grid, version) {
  if (version < 7) return;
  const bits = bch(version, 0x1f25, 12);
  for (let i = 0; i < 18; i += 1) {
    const dark = ((bits >> i) & 1) === 1;
    const near = Math.floor(i / 3);
    const far = grid.length - 11 + (i % 3);
    grid[near][far] = dark;
    grid[far][near] = dark;
  }
}

function putData(grid, words, mask) {
  const size = grid.length;
  const bits = words.flatMap((word) => Array.from({ length: 8 }, (_, i) => (word >> (7 - i)) & 1));
  let at = 0;
  let up = true;
  for (let right = size - 1; right > 0; right -= 2) {
    if (right === 6) right = 5;
    for (let step = 0; step < size; step += 1) {
      const r = up ? size - 1 - step : step;
      for (const c of [right, right - 1]) {
        if (grid[r][c] !== undefined) continue;
        grid[r][c] = ((bits[at] ?? 0) === 1) !== MASKS[mask](r, c);
        at += 1;
      }
    }
    up = !up;
  }
}

function penalty(grid) {
  const size = grid.length;
  let score = 0;
  const lines = [...grid, ...grid.map((_, c) => grid.map((row) => row[c]))];
  for (const line of lines) {
    const text = line.map((dark) => (dark ? '1' : '0')).join('');
    for (const run of text.match(/0{5,}|1{5,}/g) ?? []) score += run.length - 2;
    for (let i = 0; i + 11 <= size; i += 1) if (['10111010000', '00001011101'].includes(text.slice(i, i + 11))) score += 40;
  }
  for (let r = 1; r < size; r += 1) for (let c = 1; c < size; c += 1) {
    if (grid[r][c] === grid[r - 1][c] && grid[r][c] === grid[r][c - 1] && grid[r][c] === grid[r - 1][c - 1]) score += 3;
  }
  const dark = grid.flat().filter(Boolean).length;
  return score + Math.floor(Math.abs((dark * 20) / (size * size) - 10)) * 10;
}

/** The modules of a code for `text`, rows of booleans; throws when the text is too long. */
export function encodeQr(text) {
  const bytes = Buffer.from(text, 'utf8');
  const version = VERSIONS.findIndex((entry, index) => entry && bytes.length + (index < 10 ? 2 : 3) <= entry.blocks.reduce((sum, size) => sum + size, 0));
  if (version < 0) throw new Error('too long for a QR code');
  const words = codewords(bytes, version);
  const candidates = MASKS.map((_, mask) => {
    const grid = skeleton(version);
    putFormat(grid, mask);
    putVersion(grid, version);
    putData(grid, words, mask);
    return grid;
  });
  return candidates.reduce((best, grid) => (penalty(grid) < penalty(best) ? grid : best));
}

export function drawQr(text) {
  const grid = encodeQr(text);
  const size = grid.length + QUIET_ZONE * 2;
  const path = grid.flatMap((row, r) => row.map((dark, c) => (dark ? `M${c + QUIET_ZONE} ${r + QUIET_ZONE}h1v1h-1z` : ''))).join('');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h${size}v${size}H0z"/><path d="${path}"/></svg>`;
}
