// A capture whose names, scopes and file name try to act in whatever shows them.

import fs from 'node:fs'

export const FILE = "=1+1;@x,-y|+z'.pcap"

// What a spreadsheet could take for a formula, for markup or for a number.
const NAMES = [
  '=1+1', '+1+1', '-1+1', '@SUM(1)', "=cmd|'/C'!A0", ';=1+1', ',=1+1', '|=1+1', '"=1+1', '""=1+1', '";=1+1', "'=1+1", ' =1+1', '  +1+1',
  '\t=1+1', '\r=1+1', '\n=1+1', 'a\n=1+1', 'a;=1+1', 'a,=1+1', 'a;=NOW()', '\uff1d1+1', '\uff0b1', '<script>', '<b>&amp;</b>', '_x0041_', '_x005F_x0041_',
  '_x0041_x0042_', '007', '1E5', 'TRUE', '1/2', '2026-11-24', '0x10', '$1.00', '12%', '-', '--', '=', '\x1b[31m', '\u202eabc', '${{x}}', '=1+1;=2', "a\\'b", 'a|b`c', ' lead', 'a  b',
].map(s => Buffer.from(s, 'utf8')).concat([Buffer.alloc(15, 0xff), Buffer.alloc(15, 0), Buffer.from([0xed, 0xa0, 0x80, 0x3d])])

const SCOPES = ['', '=1+1', '@x', '+1', 'a;=1', '-']

// writeCapture writes it and returns how many messages it holds. Each name is
// registered, accepted, registered by a second host and refused.
export function writeCapture(path) {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(0xa1b23c4d, 0)
  header.writeUInt16LE(2, 4)
  header.writeUInt16LE(4, 6)
  header.writeUInt32LE(65535, 16)
  header.writeUInt32LE(1, 20)
  const parts = [header]
  let n = 0
  const send = (from, to, payload) => {
    const frame = udp(from, to, payload)
    const record = Buffer.alloc(16)
    record.writeUInt32LE(1764000000 + n, 0)
    record.writeUInt32LE((n * 123456789 + 1) % 1000000000, 4)
    record.writeUInt32LE(frame.length, 8)
    record.writeUInt32LE(frame.length, 12)
    parts.push(record, frame)
    n++
  }
  NAMES.forEach((name, i) => {
    const scope = SCOPES[i % SCOPES.length]
    for (const [host, rcode] of [[11, 0], [12, 6]]) {
      const id = 1000 + 2 * i + (rcode ? 1 : 0)
      send(host, 5, message(id, 0x2900, name, scope, host, true))
      send(5, host, message(id, 0xad80 | rcode, name, scope, host, false))
    }
  })
  fs.writeFileSync(path, Buffer.concat(parts))
  return n
}

function message(id, flags, name, scope, host, request) {
  const head = Buffer.alloc(12)
  head.writeUInt16BE(id, 0)
  head.writeUInt16BE(flags, 2)
  head.writeUInt16BE(request ? 1 : 0, request ? 4 : 6)
  head.writeUInt16BE(request ? 1 : 0, 10)
  const padded = Buffer.concat([name, Buffer.alloc(16, 0x20)]).subarray(0, 15)
  const encoded = Buffer.from([...padded, 0x20].flatMap(c => [0x41 + (c >> 4), 0x41 + (c & 15)]))
  const labels = [encoded, ...(scope ? [Buffer.from(scope)] : [])]
  const wire = Buffer.concat([...labels.flatMap(l => [Buffer.from([l.length]), l]), Buffer.from([0])])
  const record = Buffer.from([0, 0x20, 0, 1, 0, 3, 0xf4, 0x80, 0, 6, 0x60, 0, 10, 9, 9, host])
  return request
    ? Buffer.concat([head, wire, Buffer.from([0, 0x20, 0, 1, 0xc0, 12]), record])
    : Buffer.concat([head, wire, record])
}

function udp(from, to, payload) {
  const b = Buffer.alloc(42)
  b.set([2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from, 8, 0, 0x45])
  b.writeUInt16BE(28 + payload.length, 16)
  b.set([64, 17], 22)
  b.set([10, 9, 9, from, 10, 9, 9, to], 26)
  b.writeUInt16BE(137, 34)
  b.writeUInt16BE(137, 36)
  b.writeUInt16BE(8 + payload.length, 38)
  return Buffer.concat([b, payload])
}
