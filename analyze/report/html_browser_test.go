//go:build browser

// The report in a real browser: make test-browser.

package report

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"nbtrace/analyze/nbns"
	"nbtrace/captures"
)

// browserPath finds Chromium; it must be there, since this test was asked for.
func browserPath(t *testing.T) string {
	t.Helper()
	if p := os.Getenv("NBTRACE_CHROMIUM"); p != "" {
		return p
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			return p
		}
	}
	t.Fatal("no Chromium: run scripts/setup-browser.sh, or name one in NBTRACE_CHROMIUM")
	return ""
}

// tab is one page, with what went wrong in it.
type tab struct {
	*testing.T
	ctx      context.Context
	mu       sync.Mutex
	troubles []string
	requests []string
}

// openTab opens a report from a file, in a browser that reaches no network.
func openTab(t *testing.T, report []byte) *tab {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(path, report, 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	t.Cleanup(cancel)
	ctx, stop := chromedp.NewExecAllocator(ctx, chromedp.ExecPath(browserPath(t)), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1280, 900), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND"), chromedp.ProxyServer("http://127.0.0.1:1"), chromedp.Flag("hide-scrollbars", true))
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(ctx)
	t.Cleanup(end)
	b := &tab{T: t, ctx: ctx}
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.Navigate((&url.URL{Scheme: "file", Path: path}).String()))
	return b
}

func (b *tab) listen(ev any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	trouble := func(format string, args ...any) { b.troubles = append(b.troubles, fmt.Sprintf(format, args...)) }
	switch e := ev.(type) {
	case *runtime.EventExceptionThrown:
		trouble("exception: %+v", *e.ExceptionDetails)
	case *runtime.EventConsoleAPICalled:
		trouble("console: %s", e.Type)
	case *log.EventEntryAdded:
		trouble("log: %s", e.Entry.Text)
	case *page.EventJavascriptDialogOpening:
		trouble("dialog: %s", e.Message)
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	}
}

// quiet fails if the page has complained, or asked for anything but itself.
func (b *tab) quiet() {
	b.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.troubles) > 0 {
		b.Errorf("the page complains: %q", b.troubles)
	}
	if len(b.requests) != 1 || !strings.HasPrefix(b.requests[0], "file:") {
		b.Errorf("requests: %q", b.requests)
	}
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.Fatal(err)
	}
}

func eval[T any](b *tab, expression string) T {
	b.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatalf("%s: %v", expression, err)
	}
	return v
}

func (b *tab) is(expression string, want any) {
	b.Helper()
	if got := eval[any](b, expression); fmt.Sprint(got) != fmt.Sprint(want) {
		b.Errorf("%s is %v, want %v", expression, got, want)
	}
}

// waitFor waits until the expression is true.
func (b *tab) waitFor(expression string) {
	b.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(10*time.Second))); err != nil {
		b.Fatalf("waiting for %s: %v", expression, err)
	}
}

// media sets what the system prefers, or prints on.
func (b *tab) media(kind, scheme string) {
	b.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: kind,
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	if err != nil {
		b.Fatal(err)
	}
}

// shoot keeps a picture where NBTRACE_SHOTS says, for people to look at.
func (b *tab) shoot(name string) {
	b.Helper()
	dir := os.Getenv("NBTRACE_SHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644)
	}
	if err != nil {
		b.Fatal(err)
	}
}

func TestBrowserOpensTheReport(t *testing.T) {
	b := openTab(t, htmlOf(t, analyzed(t, labPath("w9-windows-kb-story-client-side.pcapng"))))
	b.media("", "light")
	b.is(`document.querySelectorAll('article').length`, 2)
	b.is(`document.querySelector('header .tools').hidden`, false)
	b.is(`getComputedStyle(document.body).maxWidth`, "1216px") // the style is in force
	b.shoot("light")

	// The theme: the system's first, then what is chosen.
	background := `getComputedStyle(document.body).backgroundColor`
	light := eval[string](b, background)
	b.do(chromedp.Click("#theme"))
	b.is(`document.getElementById('theme').getAttribute('aria-pressed')`, "true")
	if dark := eval[string](b, background); dark == light {
		t.Errorf("the background stays %s", light)
	}
	b.do(chromedp.Click("#theme"))
	b.is(background, light)
	b.quiet()

	// Opening and closing, and links that open what they lead to.
	b.do(chromedp.Click("#collapse"))
	b.is(`document.querySelectorAll('main details[open]').length`, 0)
	b.do(chromedp.Click(`a[href="#finding-2"]`))
	b.is(`document.querySelectorAll('main details[open]').length`, 1)
	b.is(`document.querySelector('#finding-2 details').open`, true)
	b.do(chromedp.Click("#collapse"), chromedp.Click(`a[href="#finding-2"]`))
	b.is(`document.querySelector('#finding-2 details').open`, true)
	b.do(chromedp.Click("#expand"))
	b.is(`document.querySelectorAll('main details:not([open])').length`, 0)
	b.do(chromedp.Click("#collapse"), chromedp.Click("#finding-1 summary"))
	b.is(`document.querySelector('#finding-1 details').open`, true)

	// By keyboard: the first stop is the skip link, and summaries open.
	b.is(`document.activeElement.blur(), document.body.focus(), 0`, 0)
	b.do(chromedp.Navigate(eval[string](b, "location.href.split('#')[0]")), chromedp.KeyEvent("\t"))
	b.is(`document.activeElement.className`, "skip")
	b.is(`getComputedStyle(document.activeElement).left`, "16px")
	b.do(chromedp.KeyEvent("\r"))
	b.is(`location.hash`, "#main")
	b.is(`document.querySelector('#finding-1 summary').focus(), document.querySelector('#finding-1 details').open`, true)
	b.do(chromedp.KeyEvent("\r"))
	b.is(`document.querySelector('#finding-1 details').open`, false)
	b.mu.Lock()
	if len(b.troubles) > 0 {
		t.Errorf("the page complains: %q", b.troubles)
	}
	b.mu.Unlock()
}

func TestBrowserCopies(t *testing.T) {
	d := analyzed(t, labPath("w9-windows-kb-story-client-side.pcapng"))
	b := openTab(t, htmlOf(t, d))
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		if _, err := chromedp.CallBrowser(b.ctx, browser.SetPermission, browser.SetPermissionParams{Permission: &browser.PermissionDescriptor{Name: name},
			Setting: browser.PermissionSettingGranted}); err != nil {
			t.Fatal(err)
		}
	}
	stories := tell(d.Findings, d.Files)
	// button is the selector of the button beside a text.
	button := func(text string) string {
		id := eval[string](b, fmt.Sprintf(`(Array.from(document.querySelectorAll('code')).find(c => c.textContent === %q) || {id: ''}).id`, text))
		if id == "" {
			t.Fatalf("the page does not offer %q", text)
		}
		return fmt.Sprintf(`button[data-copy="%s"]`, id)
	}
	for _, want := range []string{stories[0].filter(d.Files), `netsh wins server \\10.20.9.5 delete name name=NTRAS endchar=00`, "nbtstat -RR"} {
		b.do(chromedp.Click(button(want)))
		b.waitFor(`document.getElementById('status').textContent === 'Copied'`)
		b.is(`navigator.clipboard.readText()`, want)
		b.is(`document.getElementById(document.activeElement.dataset.copy).textContent`, want)
	}
	// Without the clipboard's interface the selection is copied.
	b.is(`Object.defineProperty(navigator, 'clipboard', {value: undefined, configurable: true}), typeof navigator.clipboard`, "undefined")
	last := stories[1].filter(d.Files)
	b.is(`document.getElementById('status').textContent = ''`, "")
	b.do(chromedp.Click(button(last)))
	b.waitFor(`document.getElementById('status').textContent === 'Copied'`)
	b.is(`delete navigator.clipboard, navigator.clipboard.readText()`, last)
	b.quiet()
}

func TestBrowserSortsAndSearches(t *testing.T) {
	const n = 10_000
	start := time.Now()
	b := openTab(t, htmlOf(t, manyRows(n)))
	elements := eval[int](b, `document.querySelectorAll('*').length`)
	t.Logf("%d hosts and names: opened after %v, %d elements", n, time.Since(start), elements)
	if elements > 6000 {
		t.Errorf("%d elements", elements)
	}
	if ms := eval[float64](b, `(t => t.loadEventEnd - t.responseEnd)(performance.getEntriesByType('navigation')[0])`); ms > 2000 {
		t.Errorf("the page takes %.0f ms to load", ms)
	}
	b.is(`document.querySelector('#hosts details').open`, false)
	b.do(chromedp.Click("#hosts summary"), chromedp.WaitVisible("#hosts .shown"))
	rows := `document.querySelector('#hosts-table').tBodies[0].rows`
	b.is(rows+`.length`, htmlPage)
	b.is(`document.querySelector('#hosts .shown').textContent`, "1 to 100 of 10000")
	cell := func(row, column int) string { return fmt.Sprintf(`%s[%d].cells[%d].textContent`, rows, row, column) }

	// Numbers and addresses are ordered as such, both ways, by mouse and keyboard.
	b.do(chromedp.Click("#hosts th:nth-child(1) button"))
	b.is(cell(0, 0), 1)
	b.is(`document.querySelector('#hosts th:nth-child(1)').getAttribute('aria-sort')`, "ascending")
	b.do(chromedp.Focus("#hosts th:nth-child(1) button"), chromedp.KeyEvent("\r"))
	b.is(cell(0, 0), n)
	b.is(cell(1, 0), n-1)
	b.is(`document.querySelector('#hosts th:nth-child(1)').getAttribute('aria-sort')`, "descending")
	b.do(chromedp.Click("#hosts th:nth-child(2) button"))
	b.is(cell(2, 1), "10.0.0.2")
	b.is(cell(10, 1), "10.0.0.10")
	b.is(`document.querySelectorAll('#hosts th[aria-sort="ascending"], #hosts th[aria-sort="descending"]').length`, 1)

	// Pages.
	b.do(chromedp.Click("#hosts .next"))
	b.is(`document.querySelector('#hosts .shown').textContent`, "101 to 200 of 10000")
	b.is(cell(0, 1), "10.0.0.100")
	b.do(chromedp.Click("#hosts .previous"))
	b.is(`document.querySelector('#hosts .previous').disabled`, true)

	// Searching, in any case, all words; then nothing found, then all again.
	b.do(chromedp.SendKeys("#hosts input", "pc98 END-node"))
	b.is(`document.querySelector('#hosts .shown').textContent`, "1 to 100 of 111")
	b.do(chromedp.SendKeys("#hosts input", " pc9876<20>"))
	b.is(rows+`.length`, 1)
	b.is(cell(0, 3), "PC9876<20>")
	b.do(chromedp.SendKeys("#hosts input", " nosuchthing"))
	b.is(rows+`.length`, 0)
	b.is(`document.querySelector('#hosts .shown').textContent`, "0 to 0 of 0")
	b.do(chromedp.Evaluate[chromedp.Void](`(i => { i.value = ''; i.dispatchEvent(new Event('input')); })(document.querySelector('#hosts input'))`))
	b.is(rows+`.length`, htmlPage)
	b.do(chromedp.Click("#hosts summary"))
	b.is(`document.querySelector('#hosts details').open`, false)
	b.quiet()
}

// axe finds no serious fault, in light, dark and narrow, with all closed as
// at first and with all open.
func TestBrowserAccessibility(t *testing.T) {
	path := os.Getenv("NBTRACE_AXE")
	if path == "" {
		t.Fatal("NBTRACE_AXE does not name axe.min.js: run make test-browser")
	}
	axe, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	one := analyzed(t, labPath("w9-windows-kb-story-client-side.pcapng"))
	two := analyzed(t, labPath("12-spoofing-responder-and-forged-demand.pcap"), labPath("04d-replicated-static-release-demands.pcap"))
	clean := analyzed(t, labPath("01-clean-singlehomed-register-refresh-release.pcap"))
	for name, d := range map[string]*Document{"one": one, "two": two, "clean": clean, "many": manyRows(1000)} {
		t.Run(name, func(t *testing.T) {
			b := openTab(t, htmlOf(t, d))
			b.do(chromedp.Evaluate[chromedp.Void](string(axe) + "; undefined"))
			checked := 0
			for _, width := range []int64{1280, 390} {
				for _, scheme := range []string{"light", "dark"} {
					for _, open := range []bool{false, true} {
						b.media("", scheme)
						b.do(chromedp.EmulateViewport(width, 900))
						if open {
							b.do(chromedp.Click("#expand"))
						}
						checked += b.axe(fmt.Sprintf("%d wide, %s, open %t", width, scheme, open))
						if open {
							b.do(chromedp.Click("#collapse"))
						}
					}
				}
			}
			if checked < 8*10 {
				t.Errorf("axe passed only %d rules in all", checked)
			}
			b.quiet()
		})
	}
}

// axe checks the page as it is, and returns how many rules it passed.
func (b *tab) axe(how string) int {
	b.Helper()
	text := eval[string](b, `axe.run(document, {resultTypes: ['violations']}).then(r => JSON.stringify({passes: r.passes.length,
		violations: r.violations.map(v => ({id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.slice(0, 3).map(n => n.html.slice(0, 200) + ' ' + n.failureSummary)}))}))`)
	var got struct {
		Passes     int
		Violations []struct {
			ID, Impact, Help string
			Nodes            []string
		}
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		b.Fatal(err)
	}
	for _, v := range got.Violations {
		b.Errorf("%s: axe finds %s (%s): %s: %q", how, v.ID, v.Impact, v.Help, v.Nodes)
	}
	return got.Passes
}

// The page fits a phone: it does not scroll sideways, only its wide parts do.
func TestBrowserNarrowAndPrinted(t *testing.T) {
	b := openTab(t, htmlOf(t, analyzed(t, labPath("04d-replicated-static-release-demands.pcap"), labPath("05-duplicate-owner-alive.pcap"))))
	for _, width := range []int64{320, 390, 768, 1280} {
		b.do(chromedp.EmulateViewport(width, 800), chromedp.Click("#expand"))
		if got := eval[int64](b, `document.documentElement.scrollWidth`); got > width {
			t.Errorf("at %d the page is %d wide: %s", width, got, eval[string](b, `Array.from(document.querySelectorAll('main *')).filter(e => !e.closest('.scroll') && `+
				`e.getBoundingClientRect().right > innerWidth + 1).slice(0, 5).map(e => e.outerHTML.slice(0, 120)).join(' | ')`))
		}
		b.do(chromedp.Click("#collapse"))
	}
	b.media("", "light")
	b.do(chromedp.EmulateViewport(390, 844), chromedp.Navigate(eval[string](b, "location.href")))
	b.shoot("narrow")
	b.media("", "dark")
	b.do(chromedp.EmulateViewport(1280, 900), chromedp.Click("#expand"))
	b.shoot("dark-open")

	// Printing opens everything, in black on white, and leaves it as it was.
	b.do(chromedp.Click("#collapse"))
	b.is(`window.dispatchEvent(new Event('beforeprint')), document.querySelectorAll('main details:not([open])').length`, 0)
	b.media("print", "dark")
	b.is(`getComputedStyle(document.body).backgroundColor`, "rgb(255, 255, 255)")
	b.is(`getComputedStyle(document.querySelector('.copy')).display`, "none")
	b.shoot("print")
	b.is(`window.dispatchEvent(new Event('afterprint')), document.querySelectorAll('main details[open]').length`, 0)
	if pdf, err := chromedp.Run(b.ctx, chromedp.PrintToPDF()); err != nil || len(pdf) < 20_000 {
		t.Errorf("a PDF of %d bytes, %v", len(pdf), err)
	} else if dir := os.Getenv("NBTRACE_SHOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, "print.pdf"), pdf, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// hostileNames try to get out of every place that a name stands in.
var hostileNames = []string{"<script>pwn()", "</script>", "<img onerror", "'\"onload='x", "\"><b>", "-->", "]]>", "{{.}}", "${pwn()}", "\x1b[31mRED\x07", "\xe2\x80\xaeRLO",
	"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "javascript:x", "\x00\x00<svg/onl", "&lt;script&gt;", "__proto__", "=cmd|x"}

// hostileCapture writes a capture in which a server refuses all of them.
func hostileCapture(t *testing.T) string {
	t.Helper()
	var frames []captures.Frame
	packet := func(from, to byte, m *nbns.Message) {
		payload, err := nbns.Append(nil, m)
		if err != nil {
			t.Fatal(err)
		}
		b := append([]byte{0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, from, 10, 0, 0, to, 0, 137, 0, 137, 0, 0, 0, 0}, payload...)
		binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
		binary.BigEndian.PutUint16(b[4:], uint16(len(frames)))
		binary.BigEndian.PutUint16(b[24:], uint16(8+len(payload)))
		frames = append(frames, captures.Frame{Number: int64(len(frames) + 1), Time: t0 + int64(len(frames))*1e6, Link: captures.LinkRaw, Length: len(b), Data: b})
	}
	for i, text := range hostileNames {
		name := nbns.MakeName(text, 0x20)
		scope := ""
		if i%3 == 0 {
			scope = "<script>pwn()</script>"
		}
		question := nbns.Question{Name: name, Scope: scope, Type: nbns.TypeNB, Class: nbns.ClassIN}
		record := nbns.Record{Name: name, Scope: scope, Type: nbns.TypeNB, Class: nbns.ClassIN, TTL: 300000, Addrs: []nbns.AddrEntry{{Flags: 0x6000, Addr: [4]byte{10, 0, 0, 1}}}}
		request, answer := record, record
		request.Section, answer.Section = nbns.Additional, nbns.Answer
		packet(1, 2, &nbns.Message{TrnID: uint16(i), Flags: 0x2900, QDCount: 1, ARCount: 1, Questions: []nbns.Question{question}, Records: []nbns.Record{request}})
		packet(2, 1, &nbns.Message{TrnID: uint16(i), Flags: 0xAD86, ANCount: 1, Records: []nbns.Record{answer}})
	}
	return writeFrames(t, "'><script>pwn()<.pcapng", frames)
}

func TestBrowserRunsNothingOfAHostileCapture(t *testing.T) {
	d := analyzed(t, hostileCapture(t))
	if len(d.Findings) < len(hostileNames)/2 {
		t.Fatalf("%d findings of %d hostile names", len(d.Findings), len(hostileNames))
	}
	b := openTab(t, htmlOf(t, d))
	b.do(chromedp.Click("#expand"))
	// Every way of showing a row or copying a text has its turn.
	b.do(chromedp.Click("#names th button"), chromedp.SendKeys("#names input", "script"), chromedp.Click(".story .copy"))
	b.is(`document.querySelectorAll('script').length - document.querySelectorAll('script[type="application/json"]').length`, 1)
	b.is(`document.querySelectorAll('img, iframe, object, embed, form, link, base, foreignObject').length`, 0)
	b.is(`Array.from(document.querySelectorAll('*')).flatMap(e => Array.from(e.attributes)).filter(a => /^on/i.test(a.name) || /^javascript:/i.test(a.value)).length`, 0)
	b.is(`typeof window.pwn + ({}).polluted`, "undefinedundefined")
	text := eval[string](b, `document.body.innerText`)
	for _, want := range []string{"<script>pwn()", `\x1b[31mRED`, `"><b>`} {
		if !strings.Contains(text, want) {
			t.Errorf("the name %q is not shown as text", want)
		}
	}
	b.quiet()

	// Were a script to get in, the policy would stop it.
	b.is(`(() => { const s = document.createElement('script'); s.textContent = 'window.pwned = 1'; document.body.append(s); return window.pwned; })() === undefined`, true)
	b.is(`fetch('http://10.0.0.1/').then(() => 'reached', () => 'stopped')`, "stopped")
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.ContainsFunc(b.troubles, func(s string) bool { return strings.Contains(s, "Content Security Policy") }) {
		t.Errorf("the policy does not speak: %q", b.troubles)
	}
}
