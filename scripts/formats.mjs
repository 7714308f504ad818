// Run by formats.sh in the project's folder: export captures in several
// formats and read them back with other programs. Prints what is wrong, and
// on the last line how many checks passed, failed and were left out.

import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { FILE, writeCapture } from './formats_hostile.mjs'
import { countIn, openPart, partText, readCSV, readFODS, readNDJSON, zipParts } from './formats_read.mjs'

const tmp = process.argv[2]
const soffice = process.env.NBTRACE_SOFFICE
const readers = process.env.NBTRACE_READERS
const nbtrace = path.resolve('bin/nbtrace')
const capgen = path.join(tmp, 'capgen')

const LAB = ['02b-smbtorture-nbt-wins', '03c-static-unique-refuses-multihomed', '04d-replicated-static-release-demands', '13-background-200-hosts',
  'w9-windows-kb-story-client-side']
const SCENARIOS = ['static-refusal-vlan-trunk', 'malformed', 'static-refusal-two-files']
const FORMATS = ['csv', 'tsv', 'ndjson', 'xlsx', 'parquet']
const SHEET_ROWS = 1048576
const CELL_UNITS = 32767
const MILLION = 1200000
// A run holds its input's state as well; unbounded output took 450 MiB.
const MEMORY = 256

// The columns of the contract that are no plain text: i integer, u unsigned,
// f number, b truth value, t time, l list, n list of integers, s list of
// frames, o object.
const TYPES = {
  messages: { frame: 'i', time: 't', src_port: 'i', dst_port: 'i', vlan: 'n', trn_id: 'i', response: 'b', opcode: 'i', rcode: 'i', flags: 'i', suffix: 'i', group: 'b', addresses: 'l', ttl: 'i' },
  exchanges: { id: 'i', suffix: 'i', trn_id: 'i', start: 't', end: 't', requests: 'i', wack: 'b', challenges: 'n', rcode: 'i', requested: 'l', granted: 'l', ttl: 'i', rtt_seconds: 'f', frames: 's' },
  names: { suffix: 'i', holder: 'i', addresses: 'l', from: 't', until: 't', frames: 's' },
  hosts: { id: 'i', addresses: 'l', macs: 'l', names: 'l', roles: 'l', multihomed: 'b', multihomed_evidence: 'l' },
  mappings: { suffix: 'i', static: 'b', addresses: 'l', version_id: 'u', time: 't', frames: 's' },
  findings: { suffix: 'i', host: 'o', events: 'n', first: 't', last: 't', count: 'i', evidence: 'o', alternatives: 'o', remedy: 'l', references: 'l' },
}
const TABLES = Object.keys(TYPES)
const DUCKDB = { i: 'BIGINT', u: 'UBIGINT', f: 'DOUBLE', b: 'BOOLEAN', t: 'TIMESTAMP WITH TIME ZONE', l: 'VARCHAR[]', n: 'BIGINT[]',
  s: 'STRUCT(file VARCHAR, frame BIGINT, "role" VARCHAR)[]', o: 'JSON' }

let passed = 0, skipped = 0, cells = 0
const failures = []

function check(what, ok, detail = '') {
  if (ok) { passed++; return true }
  failures.push(what)
  console.log(`FAIL ${what}${detail ? `: ${detail}` : ''}`)
  return false
}

function skip(what, why) {
  skipped++
  console.log(`SKIPPED ${what}: ${why}`)
}

// same checks a list of cells; differ says of a pair what is wrong with it.
function same(what, pairs, differ) {
  let wrong = 0, first
  for (const p of pairs) {
    cells++
    const d = differ(p)
    if (d) { wrong++; first ??= d }
  }
  check(what, wrong === 0, `${wrong} of ${pairs.length} cells, first ${first}`)
}

function run(command, args) {
  const r = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 26 })
  if (r.error) throw r.error
  return r
}

function must(command, args) {
  const r = run(command, args)
  if (r.status !== 0) throw new Error(`${command} ${args.join(' ')}: status ${r.status}\n${r.stdout}${r.stderr}`)
  return r
}

const seconds = since => ((Date.now() - since) / 1000).toFixed(1)

// measure runs nbtrace and returns its status, messages and peak of resident
// memory in MiB (NaN where the system does not tell).
function measure(args) {
  return new Promise((resolve, reject) => {
    const begin = Date.now()
    const p = spawn(nbtrace, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    let peak = NaN, stderr = ''
    const look = () => {
      try {
        const kib = /VmHWM:\s*(\d+)/.exec(fs.readFileSync(`/proc/${p.pid}/status`, 'latin1'))
        if (kib) peak = Number(kib[1]) / 1024
      } catch { /* it has ended, or there is no /proc */ }
    }
    const timer = setInterval(look, 10)
    p.stderr.on('data', d => { stderr += d })
    p.on('error', reject)
    p.on('close', status => { clearInterval(timer); resolve({ status, stderr, peak, took: seconds(begin) }) })
  })
}

// convert has LibreOffice convert files into a folder of their own.
function convert(files, folder, to, infilter) {
  const dir = path.join(tmp, folder)
  fs.mkdirSync(dir, { recursive: true })
  must(soffice, [`-env:UserInstallation=${pathToFileURL(path.join(tmp, 'profile'))}`, '--headless', '--norestore', ...(infilter ? [`--infilter=${infilter}`] : []),
    '--convert-to', to, '--outdir', dir, ...files])
  return dir
}

// As the import dialogue: separator, quote ", UTF-8, from line 1, quoted cells
// need not be text, special numbers are recognised, formulas are evaluated.
const importAs = separator => `CSV:${separator},34,76,1,,0,false,true,false,false,false,0,true`
const exportCSV = 'csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,-1'

const utf8 = file => fs.readFileSync(file, 'utf8')

function exportAll() {
  const hostile = path.join(tmp, FILE)
  const messages = writeCapture(hostile)
  const scenarios = fs.readdirSync('captures/corpus/scenarios')
  const captures = [
    ...LAB.map(id => [id, fs.readdirSync('captures/corpus/lab').filter(f => f.startsWith(`${id}.pcap`)).map(f => `captures/corpus/lab/${f}`)]),
    ...SCENARIOS.map(id => [id, scenarios.filter(f => f.startsWith(`${id}.`) && /\.pcap(ng)?$/.test(f)).map(f => `captures/corpus/scenarios/${f}`)]),
    ['hostile', [hostile]],
  ]
  const jobs = []
  for (const [id, files] of captures) {
    if (files.length === 0) throw new Error(`no capture ${id}`)
    for (const f of FORMATS) {
      const dir = path.join(tmp, 'all', `${id}-${f}`)
      must(nbtrace, ['export', 'all', '-q', '-o', dir, '--format', f, ...files])
    }
    for (const table of TABLES) {
      const job = { id, table, name: `${id}.${table}`, types: TYPES[table] }
      for (const f of FORMATS) {
        // LibreOffice names its output after the input: one name each.
        job[f] = path.join(tmp, 'tables', f, `${job.name}.${f}`)
        fs.mkdirSync(path.dirname(job[f]), { recursive: true })
        fs.renameSync(path.join(tmp, 'all', `${id}-${f}`, `${table}.${f}`), job[f])
      }
      const text = readCSV(utf8(job.csv))
      job.header = text[0]
      job.rows = text.slice(1)
      job.objects = readNDJSON(utf8(job.ndjson))
      jobs.push(job)
    }
  }
  for (const t of TABLES) check(`${t} has rows in some capture`, jobs.some(j => j.table === t && j.rows.length > 0))
  const all = jobs.find(j => j.name === 'hostile.messages')
  check('the hostile capture is read whole', all.rows.length === messages, `${all.rows.length} messages of ${messages}`)
  return jobs
}

// --- csv and ndjson against each other, without any other program

const element = s => String(s).replaceAll(';', '\\x3b')

function flat(v) {
  if (v === null) return ''
  if (!Array.isArray(v)) return String(v)
  return v.map(e => e.file === undefined ? element(e) : `${element(e.file)}:${e.frame}:${element(e.role)}`).join(';')
}

// unguarded takes the marks away that keep a spreadsheet from a formula.
const unguarded = s => s.replace(/(^|[,;|])([ "']*)'([=+\-@\uff1d\uff0b\uff0d\uff20])/g, '$1$2$3')

function checkText(job) {
  const what = `${job.name}: csv has the rows of ndjson`
  if (!check(what, job.rows.length === job.objects.length, `${job.rows.length} and ${job.objects.length}`)) return
  if (job.objects.length) check(`${job.name}: columns of csv and ndjson`, job.header.join() === Object.keys(job.objects[0]).join())
  const pairs = job.rows.flatMap((row, i) => row.map((cell, k) => [job.header[k], cell, job.objects[i][job.header[k]]]))
  same(`${job.name}: csv has the cells of ndjson`, pairs, ([column, cell, v]) => {
    if (job.types[column] === 'o') return (cell === '' ? v === null : JSON.stringify(JSON.parse(unguarded(cell))) === JSON.stringify(v)) ? '' : `${column} ${cell}`
    return unguarded(cell) === flat(v) ? '' : `${column}: ${JSON.stringify(cell)}, want ${JSON.stringify(flat(v))}`
  })
  const tsv = readCSV(utf8(job.tsv), '\t')
  check(`${job.name}: tsv is csv`, JSON.stringify(tsv) === JSON.stringify([job.header, ...job.rows]))
}

// --- LibreOffice

const isNumber = t => t === 'i' || t === 'u' || t === 'f'

// isTruth knows a truth value of a workbook, which LibreOffice makes a call.
const isTruth = c => /^(TRUE|FALSE)$/.test(c.text) && c.formula === `of:=${c.text}()`

// cut is what a cell of a workbook holds of a text.
const cut = s => s.length <= CELL_UNITS ? s : s.slice(0, CELL_UNITS - 1) + '…'

function zipCells(job, rows) {
  return job.rows.flatMap((row, i) => job.header.map((column, k) => ({ column, type: job.types[column], want: row[k], got: rows[i + 1]?.[k] })))
}

async function checkWorkbook(job) {
  const parts = zipParts(job.xlsx)
  const sheet = await partText(job.xlsx, parts.find(p => p.name === 'xl/worksheets/sheet1.xml'))
  checkSheet(job.name, sheet, sheet, job.header.length, job.rows.length + 1)
  check(`${job.name}: xlsx has no formula`, !/<f[ >/]/.test(sheet))
  const book = await partText(job.xlsx, parts.find(p => p.name === 'xl/workbook.xml'))
  check(`${job.name}: the sheet is called ${job.table}`, book.includes(`<sheet name="${job.table}"`))
}

function letters(n) {
  return n > 26 ? letters(Math.floor((n - 1) / 26)) + letters((n - 1) % 26 + 1) : String.fromCharCode(64 + n)
}

function checkSheet(name, first, last, columns, rows) {
  check(`${name}: the header is frozen`, /<pane\b[^>]*\bySplit="1"[^>]*\btopLeftCell="A2"[^>]*\bstate="frozen"/.test(first))
  const want = `A1:${letters(columns)}${rows}`
  const ref = /<autoFilter ref="([^"]*)"/.exec(last)?.[1]
  check(`${name}: filters on the header`, ref === want, `${ref}, want ${want}`)
}

function checkXLSXAsCSV(job, dir) {
  // LibreOffice appends the name of the sheet.
  const rows = readCSV(utf8(path.join(dir, `${job.name}-${job.table}.csv`)))
  check(`${job.name}: xlsx in LibreOffice has the rows of csv`, rows.length === job.rows.length + 1, `${rows.length - 1}, want ${job.rows.length}`)
  check(`${job.name}: xlsx in LibreOffice has the header`, rows[0].join() === job.header.join(), rows[0].join())
  same(`${job.name}: xlsx through LibreOffice to csv`, zipCells(job, rows), ({ column, type, want, got = '' }) => {
    if (isNumber(type) && want !== '') return got !== '' && Number(got) === Number(want) ? '' : `${column}: ${got}, want ${want}`
    if (type === 'b') return got.toLowerCase() === want ? '' : `${column}: ${got}, want ${want}`
    return got === cut(want) ? '' : `${column}: ${JSON.stringify(got)}, want ${JSON.stringify(want)}`
  })
}

function checkXLSXAsFODS(job, dir) {
  const [sheet] = readFODS(utf8(path.join(dir, `${job.name}.fods`)))
  same(`${job.name}: types of xlsx in LibreOffice`, zipCells(job, sheet.rows), ({ column, type, want, got = { type: 'empty', text: '' } }) => {
    if (type === 'b' && want !== '') return isTruth(got) && got.text.toLowerCase() === want ? '' : `${column}: ${JSON.stringify(got)}, want ${want}`
    if (got.formula) return `${column} is the formula ${got.formula}`
    const kind = want === '' ? 'empty' : isNumber(type) && Number.isSafeInteger(Math.trunc(Number(want))) ? 'float' : 'string'
    if (got.type !== kind) return `${column} ${JSON.stringify(want)} is of type ${got.type}, want ${kind}`
    if (kind === 'float') return Number(got.value) === Number(want) ? '' : `${column}: ${got.value}, want ${want}`
    return got.text === cut(want) ? '' : `${column}: ${JSON.stringify(got.text)}, want ${JSON.stringify(want)}`
  })
}

// A text that looks like a number becomes one when a spreadsheet reads csv,
// which has no types; so do many a name_hex, through an e among digits.
const retyped = /^[\d.,:/$%\-TEe]*$|^(TRUE|FALSE)$/

function checkImported(job, file, separator, truths = false) {
  const [sheet] = readFODS(utf8(file))
  const all = sheet.rows.flat()
  cells += all.length
  const formula = all.find(c => c.formula !== undefined && !(truths && isTruth(c)))
  check(`${job.name}: no formula after import (${separator})`, formula === undefined, JSON.stringify(formula))
  const acts = all.find(c => /^[\s"']*[=+@]/.test(c.text) && !/^[ "]*'/.test(c.text))
  check(`${job.name}: no cell begins as a formula (${separator})`, acts === undefined, JSON.stringify(acts))
  return sheet
}

function checkCSVImport(job, dir) {
  const sheet = checkImported(job, path.join(dir, `${job.name}.fods`), 'comma')
  check(`${job.name}: imported rows`, sheet.rows.length === job.rows.length + 1, `${sheet.rows.length - 1}, want ${job.rows.length}`)
  same(`${job.name}: csv imported by LibreOffice`, zipCells(job, sheet.rows), ({ column, type, want, got = { type: 'empty', text: '' } }) => {
    if (isNumber(type) && want !== '') return Number(got.value) === Number(want) ? '' : `${column}: ${got.value}, want ${want}`
    if (type === 'b') return (got.value ?? '') === want ? '' : `${column}: ${got.value}, want ${want}`
    if (got.type !== 'string' && got.type !== 'empty') return retyped.test(want) ? '' : `${column}: ${JSON.stringify(want)} became a ${got.type}`
    // A cell that needs no quotes loses nothing; LibreOffice's own limit is 2^16.
    return got.text === want || want.length > 65535 ? '' : `${column}: ${JSON.stringify(got.text)}, want ${JSON.stringify(want)}`
  })
}

async function libreOffice(jobs) {
  if (!soffice) {
    skip('xlsx and csv in LibreOffice', 'it is missing and cannot be installed from here (Debian: libreoffice-calc-nogui)')
    return
  }
  // That the import runs formulas at all: else the checks could not fail.
  const control = path.join(tmp, 'control.csv')
  fs.writeFileSync(control, 'a,b\n=1+1,"=2+2"\n')
  const ran = readFODS(utf8(path.join(convert([control], 'control', 'fods', importAs(44)), 'control.fods')))
  check('control: LibreOffice runs the formulas of an unguarded csv', ran[0].rows[1].every(c => c.formula && ['2', '4'].includes(c.value)), JSON.stringify(ran))

  const xlsx = jobs.map(j => j.xlsx), csv = jobs.map(j => j.csv)
  const asCSV = convert(xlsx, 'xlsx-csv', exportCSV)
  const asFODS = convert(xlsx, 'xlsx-fods', 'fods')
  const imported = convert(csv, 'csv-fods', 'fods', importAs(44))
  // Where a comma is the decimal mark, a double click parts at semicolons.
  const semicolons = convert(csv, 'csv-semicolon-fods', 'fods', importAs(59))
  const tabs = convert(jobs.map(j => j.tsv), 'tsv-fods', 'fods', importAs(9))
  const saved = convert(csv, 'csv-xlsx', 'xlsx', importAs(44))
  const again = convert(jobs.map(j => path.join(saved, `${j.name}.xlsx`)), 'csv-xlsx-fods', 'fods')
  for (const job of jobs) {
    checkXLSXAsCSV(job, asCSV)
    checkXLSXAsFODS(job, asFODS)
    checkCSVImport(job, imported)
    checkImported(job, path.join(semicolons, `${job.name}.fods`), 'semicolon')
    checkImported(job, path.join(tabs, `${job.name}.fods`), 'tab')
    checkImported(job, path.join(again, `${job.name}.fods`), 'saved as xlsx', true)
    for (const part of zipParts(path.join(saved, `${job.name}.xlsx`)).filter(p => p.name.startsWith('xl/worksheets/sheet'))) {
      check(`${job.name}: csv saved as xlsx has no formula`, !/<f[ >/]/.test(await partText(path.join(saved, `${job.name}.xlsx`), part)))
    }
  }
}

// --- parquet

// canonical makes the values of all readers comparable.
function canonical(v) {
  if (v === null || v === undefined) return null
  if (Array.isArray(v)) return v.map(canonical)
  if (typeof v === 'object') return Object.fromEntries(Object.entries(v).map(([k, e]) => [k, canonical(e)]))
  return typeof v === 'boolean' ? v : String(v)
}

function nanoseconds(text) {
  const m = /^(.*)\.(\d{9})Z$/.exec(text)
  return BigInt(Date.parse(`${m[1]}Z`)) * 1000000n + BigInt(m[2])
}

function checkRows(what, job, rows, time) {
  if (!check(`${job.name}: ${what} has the rows of ndjson`, rows.length === job.objects.length, `${rows.length}, want ${job.objects.length}`)) return
  const pairs = rows.flatMap((row, i) => job.header.map(column => [column, row[column], job.objects[i][column]]))
  same(`${job.name}: ${what} has the values of ndjson`, pairs, ([column, got, want]) => {
    const type = job.types[column]
    if (type === 't' && want !== null) want = time(nanoseconds(want))
    if (type === 'o' && typeof got === 'string') [got] = readNDJSON(got)
    const [g, w] = [got, want].map(v => JSON.stringify(canonical(v)))
    return g === w ? '' : `${column}: ${g}, want ${w}`
  })
}

async function duckDB() {
  const { DuckDBInstance } = createRequire(path.join(readers, 'package.json'))('@duckdb/node-api')
  const connection = await (await DuckDBInstance.create()).connect()
  const query = async sql => (await connection.runAndReadAll(sql)).getRowObjectsJson()
  return { query, from: file => `read_parquet('${file.replaceAll("'", "''")}')` }
}

async function parquet(jobs, db) {
  const load = name => import(pathToFileURL(path.join(readers, 'node_modules', name)))
  const hyparquet = await load('hyparquet/src/node.js')
  const { compressors } = await load('hyparquet-compressors/src/index.js')
  for (const job of jobs) {
    const columns = await db.query(`describe select * from ${db.from(job.parquet)}`)
    check(`${job.name}: columns of parquet`, columns.map(c => c.column_name).join() === job.header.join())
    for (const c of columns) {
      const want = DUCKDB[job.types[c.column_name]] ?? 'VARCHAR'
      check(`${job.name}: parquet's ${c.column_name} is ${want}`, c.column_type === want, c.column_type)
    }
    const select = job.header.map(c => job.types[c] === 't' ? `epoch_ns("${c}")::varchar as "${c}"` : `"${c}"`).join()
    // DuckDB has no time with both a zone and nanoseconds: it drops three digits.
    checkRows('parquet in DuckDB', job, await db.query(`select ${select} from ${db.from(job.parquet)}`), ns => ns - (ns % 1000n + 1000n) % 1000n)
    const rows = await hyparquet.parquetReadObjects({
      file: await hyparquet.asyncBufferFromFile(job.parquet),
      compressors,
      parsers: { timestampFromNanoseconds: ns => ns, stringFromBytes: b => b && new TextDecoder('utf-8', { fatal: true }).decode(b) },
    })
    checkRows('parquet in hyparquet', job, rows, ns => ns)
  }
}

// --- a million rows

async function million(db, columns) {
  const capture = path.join(tmp, 'million.pcap')
  must(capgen, ['--kind', 'dense', '--messages', String(MILLION), '-o', capture])
  const out = f => path.join(tmp, `million.${f}`)
  for (const format of ['csv', 'tsv', 'ndjson', 'json', 'markdown', 'html', 'parquet', 'xlsx']) {
    const file = out(format)
    const r = await measure(['export', 'messages', '-q', '--format', format, '-o', file, capture])
    console.log(`${format}: ${MILLION} rows in ${r.took} s, ${r.peak.toFixed(0)} MiB resident at most, ${(fs.statSync(file).size / 1e6).toFixed(0)} MB`)
    check(`${format}: a million rows are written`, r.status === 0, r.stderr)
    if (Number.isNaN(r.peak)) skip(`${format}: memory`, 'the system has no /proc')
    else check(`${format}: a million rows in bounded memory`, r.peak < MEMORY, `${r.peak.toFixed(0)} MiB, at most ${MEMORY}`)
    await checkCount(format, file, db, columns)
    if (format !== 'ndjson') fs.rmSync(file)
  }
  fs.rmSync(out('ndjson'))
}

async function checkCount(format, file, db, columns) {
  const count = async (text, more) => (await countIn(fs.createReadStream(file, { highWaterMark: 1 << 20 }), [text])).counts[text] - more
  const rows = n => check(`${format}: ${MILLION} rows`, n === MILLION, String(n))
  switch (format) {
    case 'csv': case 'tsv': return rows(await count('\n', 1))
    case 'ndjson': return rows(await count('\n', 0))
    case 'json': return rows(await count('\n', 2))
    case 'markdown': return rows(await count('\n', 2))
    case 'html': return rows(await count('<tr>', 1))
    case 'xlsx': return checkMillionSheets(file, columns)
  }
  if (!db) return
  const [one] = await db.query(`select count(*) as n, sum(frame) as sum, count(distinct "time") as times from ${db.from(file)}`)
  rows(Number(one.n))
  check('parquet: every frame once', Number(one.sum) === MILLION * (MILLION + 1) / 2, one.sum)
  const groups = await db.query(`select distinct row_group_num_rows as n, compression from parquet_metadata('${file}')`)
  check('parquet: row groups are bounded and zstd', groups.length > 0 && groups.every(g => Number(g.n) <= 100000 && g.compression === 'ZSTD'), JSON.stringify(groups))
  const other = file.replace(/parquet$/, 'ndjson')
  const [differ] = await db.query(`select count(*) as n from (
    (select frame, src, dst, kind, name, suffix, flags, ttl, addresses, epoch_us("time") from ${db.from(file)}
     except all select frame, src, dst, kind, name, suffix, flags, ttl, addresses, epoch_us("time"::timestamptz)
     from read_json('${other}', format = 'newline_delimited', columns = {frame: 'BIGINT', src: 'VARCHAR', dst: 'VARCHAR', kind: 'VARCHAR', name: 'VARCHAR',
       suffix: 'BIGINT', flags: 'BIGINT', ttl: 'BIGINT', addresses: 'VARCHAR[]', "time": 'VARCHAR'})))`)
  check('parquet: a million rows are those of ndjson', Number(differ.n) === 0, `${differ.n} differ`)
}

async function checkMillionSheets(file, columns) {
  const parts = zipParts(file)
  const sheets = parts.filter(p => p.name.startsWith('xl/worksheets/sheet'))
  check('xlsx: two sheets', sheets.length === 2, sheets.map(s => s.name).join())
  const book = await partText(file, parts.find(p => p.name === 'xl/workbook.xml'))
  check('xlsx: the second sheet is called messages 2', /<sheet name="messages"[^>]*>.*<sheet name="messages 2"/.test(book), book)
  const want = [SHEET_ROWS, MILLION - (SHEET_ROWS - 1) + 1]
  for (const [i, sheet] of sheets.entries()) {
    const { counts, first, last } = await countIn(openPart(file, sheet), ['<row ', '<f>', '<c r="A1" s="1" t="inlineStr"><is><t>file</t>'])
    check(`xlsx: rows of ${sheet.name}`, counts['<row '] === want[i], `${counts['<row ']}, want ${want[i]}`)
    check(`xlsx: ${sheet.name} has no formula`, counts['<f>'] === 0)
    check(`xlsx: ${sheet.name} has a header`, counts['<c r="A1" s="1" t="inlineStr"><is><t>file</t>'] === 1)
    checkSheet(`million rows, ${sheet.name}`, first, last, columns, want[i])
  }
}

function refusals() {
  const most = 10000
  const make = n => {
    const capture = path.join(tmp, `${n}.pcap`)
    must(capgen, ['--kind', 'dense', '--messages', String(n), '-o', capture])
    return capture
  }
  const out = path.join(tmp, 'table.txt')
  const full = run(nbtrace, ['export', 'messages', '-q', '-o', out, '--format', 'table', make(most)])
  check(`table: takes ${most} rows`, full.status === 0 && fs.existsSync(out), full.stderr)
  fs.rmSync(out, { force: true })
  const more = run(nbtrace, ['export', 'messages', '-q', '-o', out, '--format', 'table', make(most + 1)])
  check(`table: refuses ${most + 1} rows`, more.status === 3, `status ${more.status}`)
  check('table: says why and what to do', /more than 10000/.test(more.stderr) && /--format csv/.test(more.stderr) && /--max-rows 0/.test(more.stderr), more.stderr)
  check('table: a refusal leaves no file', !fs.existsSync(out) && !fs.readdirSync(tmp).some(f => f.startsWith('.nbtrace-')))
  const told = run(nbtrace, ['export', 'messages', '-q', '-o', out, '--format', 'table', '--max-rows', '0', make(most + 1)])
  check('table: takes more when told', told.status === 0 && fs.existsSync(out), told.stderr)
}

async function stage(name, work) {
  const begin = Date.now()
  const result = await work()
  console.log(`${name}: ${seconds(begin)} s`)
  return result
}

const jobs = await stage('export', exportAll)
await stage('csv, tsv, ndjson', () => jobs.forEach(checkText))
await stage('xlsx structure', async () => { for (const j of jobs) await checkWorkbook(j) })
await stage('LibreOffice', () => libreOffice(jobs))
let db
if (readers) {
  db = await duckDB()
  await stage('parquet', () => parquet(jobs, db))
} else {
  skip('parquet in DuckDB and hyparquet', 'npm or its packages cannot be had from here')
}
await stage('refusals', refusals)
await stage('a million rows', () => million(db, jobs.find(j => j.table === 'messages').header.length))

if (passed === 0 || cells === 0) failures.push('nothing was compared')
const required = process.env.FORMATS_REQUIRED === '1'
console.log(`formats: ${passed} checks passed (${cells} cells), ${failures.length} failed, ${skipped} SKIPPED`)
process.exitCode = failures.length || (required && skipped) ? 1 : 0
