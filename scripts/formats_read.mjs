// Readers of what was exported, none of which shares code with nbtrace.

import fs from 'node:fs'
import zlib from 'node:zlib'

// readCSV parses RFC 4180.
export function readCSV(text, delimiter = ',') {
  const rows = []
  let row = [], cell = '', quoted = false
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if (quoted) {
      if (c !== '"') cell += c
      else if (text[i + 1] === '"') cell += text[++i]
      else quoted = false
    } else if (c === '"') quoted = true
    else if (c === delimiter) { row.push(cell); cell = '' }
    else if (c === '\n') { row.push(cell); rows.push(row); row = []; cell = '' }
    else cell += c
  }
  if (cell !== '' || row.length) throw new Error('the last line has no end')
  return rows
}

// readNDJSON keeps integers that a double cannot hold as text.
export function readNDJSON(text) {
  const exact = /("(?:[^"\\]|\\.)*")|(-?\d{16,})(?![\d.])/g
  return text.split('\n').filter(Boolean).map(line => JSON.parse(line.replace(exact, (m, s, n) => s ?? `"${n}"`)))
}

const ENTITIES = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

function unescapeXML(s) {
  return s.replace(/&(#x?[0-9a-fA-F]+|\w+);/g, (m, e) =>
    e[0] !== '#' ? ENTITIES[e] ?? m : String.fromCodePoint(e[1] === 'x' ? parseInt(e.slice(2), 16) : parseInt(e.slice(1))))
}

// readFODS returns the sheets of a flat OpenDocument file: rows of cells, each
// {type, value, text, formula}.
export function readFODS(xml) {
  const sheets = []
  for (const [, name, body] of xml.matchAll(/<table:table table:name="([^"]*)"[^>]*>(.*?)<\/table:table>/gs)) {
    const rows = []
    for (const [, inside] of body.matchAll(/<table:table-row[^>]*?(?:\/>|>(.*?)<\/table:table-row>)/gs)) {
      const cells = []
      for (const [, attributes, content] of (inside ?? '').matchAll(/<table:(?:covered-)?table-cell\b((?:\s[\w:-]+="[^"]*")*)\s*(?:\/>|>(.*?)<\/table:(?:covered-)?table-cell>)/gs)) {
        const a = Object.fromEntries([...attributes.matchAll(/([\w:-]+)="([^"]*)"/g)].map(m => [m[1], unescapeXML(m[2])]))
        const type = a['office:value-type'] ?? 'empty'
        const cell = {
          type,
          value: a['office:value'] ?? a['office:boolean-value'] ?? a['office:date-value'] ?? a['office:time-value'],
          text: paragraphs(content ?? ''),
          formula: a['table:formula'],
        }
        const repeated = Number(a['table:number-columns-repeated'] ?? 1)
        if (type === 'empty' && repeated > 1000) continue
        for (let i = 0; i < repeated; i++) cells.push(cell)
      }
      rows.push(cells)
    }
    while (rows.length && rows.at(-1).every(c => c.type === 'empty')) rows.pop()
    sheets.push({ name: unescapeXML(name), rows })
  }
  return sheets
}

function paragraphs(content) {
  return [...content.matchAll(/<text:p[^>]*?(?:\/>|>(.*?)<\/text:p>)/gs)].map(([, p = '']) => unescapeXML(
    p.replace(/<text:s(?: text:c="(\d+)")?\/>/g, (m, n) => ' '.repeat(Number(n ?? 1))).replace(/<text:tab\/>/g, '\t').replace(/<[^>]*>/g, ''))).join('\n')
}

// zipParts lists the parts of an archive, as {name, offset, packed, size}.
export function zipParts(path) {
  const fd = fs.openSync(path, 'r')
  try {
    const length = fs.fstatSync(fd).size
    const at = (offset, n) => { const b = Buffer.alloc(n); fs.readSync(fd, b, 0, n, offset); return b }
    const tail = at(Math.max(0, length - 66000), Math.min(length, 66000))
    const end = tail.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'))
    if (end < 0) throw new Error(`${path} is no zip archive`)
    const directory = at(tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12))
    const parts = []
    for (let p = 0; p < directory.length;) {
      const [nameLength, extra, comment] = [28, 30, 32].map(k => directory.readUInt16LE(p + k))
      const local = directory.readUInt32LE(p + 42)
      const head = at(local, 30)
      parts.push({
        name: directory.toString('utf8', p + 46, p + 46 + nameLength),
        method: directory.readUInt16LE(p + 10),
        packed: directory.readUInt32LE(p + 20),
        size: directory.readUInt32LE(p + 24),
        offset: local + 30 + head.readUInt16LE(26) + head.readUInt16LE(28),
      })
      p += 46 + nameLength + extra + comment
    }
    return parts
  } finally {
    fs.closeSync(fd)
  }
}

// openPart streams what is in a part.
export function openPart(path, part) {
  const raw = fs.createReadStream(path, { start: part.offset, end: part.offset + part.packed - 1, highWaterMark: 1 << 20 })
  return part.method === 0 ? raw : raw.pipe(zlib.createInflateRaw({ chunkSize: 1 << 20 }))
}

export async function partText(path, part) {
  const chunks = []
  for await (const c of openPart(path, part)) chunks.push(c)
  return Buffer.concat(chunks).toString('utf8')
}

// countIn counts each of the texts in a stream; first and last are its ends.
export async function countIn(stream, texts) {
  const counts = Object.fromEntries(texts.map(t => [t, 0]))
  const keep = Math.max(...texts.map(t => t.length)) - 1
  let first = '', last = '', carry = Buffer.alloc(0)
  for await (const chunk of stream) {
    const b = Buffer.concat([carry, chunk])
    for (const t of texts) {
      for (let i = b.indexOf(t); i >= 0; i = b.indexOf(t, i + t.length)) {
        // What lies in the carry alone was counted with the chunk before.
        if (i + t.length > carry.length) counts[t]++
      }
    }
    carry = b.subarray(Math.max(0, b.length - keep))
    if (first.length < 4000) first += chunk.toString('latin1', 0, 4000)
    last = (last + chunk.toString('latin1', Math.max(0, chunk.length - 500))).slice(-500)
  }
  return { counts, first, last }
}
