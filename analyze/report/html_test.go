package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"pgregory.net/rapid"

	"nbtrace/analyze"
	"nbtrace/analyze/nbns"
)

func htmlOf(t testing.TB, d *Document) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := d.WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// visitHTML parses a page and calls visit with every node.
func visitHTML(t testing.TB, page []byte, visit func(n *html.Node)) {
	t.Helper()
	doc, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		visit(n)
	}
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}

// Elements and attributes that the page is made of. None of the latter loads
// anything or runs a script.
var (
	htmlElements = strings.Fields("html head meta title style body a header nav div button p main section h1 h2 h3 h4 table caption thead tbody tr th td " +
		"ul ol li article details summary span dl dt dd svg desc line rect text polygon circle g code strong br label input script noscript footer")
	htmlAttributes = strings.Fields("lang charset http-equiv content name class href hidden id type aria-pressed role tabindex aria-labelledby aria-label open scope " +
		"viewbox width height x y x1 y1 x2 y2 rx points text-anchor dy cx cy r transform data-copy value autocomplete spellcheck aria-controls title")
)

// checkHTML fails if the page holds anything that it is not made of, or more
// than one script that runs.
func checkHTML(t testing.TB, page []byte) {
	t.Helper()
	scripts := 0
	visitHTML(t, page, func(n *html.Node) {
		switch n.Type {
		case html.CommentNode:
			t.Fatalf("a comment %q", n.Data)
		case html.TextNode:
			if p := n.Parent.Data; p == "style" || p == "script" || p == "noscript" {
				return
			}
			for line := range strings.Lines(n.Data) {
				if line = strings.TrimSuffix(line, "\n"); Escape(line) != line {
					t.Fatalf("text %q is not escaped", line)
				}
			}
		case html.ElementNode:
			if !slices.Contains(htmlElements, n.Data) {
				t.Fatalf("an element %s", n.Data)
			}
			if n.Data == "script" && attribute(n, "type") != "application/json" {
				scripts++
			}
			for _, a := range n.Attr {
				switch {
				case a.Key == "xmlns" && a.Val == "http://www.w3.org/2000/svg":
				case !slices.Contains(htmlAttributes, strings.ToLower(a.Key)):
					t.Fatalf("an attribute %s=%q of %s", a.Key, a.Val, n.Data)
				case a.Key == "href" && !strings.HasPrefix(a.Val, "#"):
					t.Fatalf("a link to %q", a.Val)
				}
			}
		}
	})
	if scripts != 1 {
		t.Fatalf("%d scripts", scripts)
	}
}

func TestHTMLPolicyNamesTheContent(t *testing.T) {
	page := htmlOf(t, analyzed(t, labPath(labCaptures[0])))
	policy := ""
	content := map[string]string{}
	visitHTML(t, page, func(n *html.Node) {
		switch {
		case attribute(n, "http-equiv") == "Content-Security-Policy":
			policy = attribute(n, "content")
		case n.Data == "style" && n.Type == html.ElementNode, n.Data == "script" && n.Type == html.ElementNode && attribute(n, "type") == "":
			content[n.Data] = textOf(n)
		}
	})
	want := fmt.Sprintf("default-src 'none'; style-src 'sha256-%s'; script-src 'sha256-%s'; base-uri 'none'; form-action 'none'",
		contentHash(content["style"]), contentHash(content["script"]))
	if policy != want || len(content["script"]) < 1000 || len(content["style"]) < 1000 {
		t.Errorf("policy %s, want %s", policy, want)
	}
	if i := bytes.Index(page, []byte("http-equiv")); i < 0 || bytes.Contains(page[:i], []byte("<style")) || bytes.Contains(page[:i], []byte("<script")) {
		t.Error("the policy does not stand before what it governs")
	}
}

func TestHTMLNeedsNothingElse(t *testing.T) {
	for _, name := range labCaptures {
		checkHTML(t, htmlOf(t, analyzed(t, labPath(name))))
	}
	if m := regexp.MustCompile(`(?i)https?:|url\(|@import|fetch\(|XMLHttp|innerHTML|eval\(`).FindString(htmlStyle + htmlScript); m != "" {
		t.Errorf("style or script have %s", m)
	}
}

// The headings go down by one level at a time, every table has a caption and
// headers, everything that is labelled by something names something.
func TestHTMLIsOrderly(t *testing.T) {
	d := analyzed(t, labPath("w9-windows-kb-story-client-side.pcapng"), labPath("12-spoofing-responder-and-forged-demand.pcap"))
	ids := map[string]bool{}
	var refs []string
	level := 0
	tables := 0
	visitHTML(t, htmlOf(t, d), func(n *html.Node) {
		if n.Type != html.ElementNode {
			return
		}
		if id := attribute(n, "id"); id != "" {
			if ids[id] {
				t.Errorf("two elements have the id %s", id)
			}
			ids[id] = true
		}
		for _, a := range []string{"aria-labelledby", "aria-controls", "data-copy"} {
			refs = append(refs, strings.Fields(attribute(n, a))...)
		}
		if h := attribute(n, "href"); h != "" {
			refs = append(refs, h[1:])
		}
		switch n.Data {
		case "h1", "h2", "h3", "h4":
			l := int(n.Data[1] - '0')
			if l > level+1 {
				t.Errorf("a heading %s after level %d: %s", n.Data, level, textOf(n))
			}
			level = l
		case "table":
			tables++
			if n.FirstChild == nil || n.FirstChild.Data != "caption" || textOf(n.FirstChild) == "" {
				t.Error("a table without a caption")
			}
		case "th":
			if attribute(n, "scope") == "" {
				t.Error("a header cell without scope")
			}
		case "svg":
			if attribute(n, "role") != "img" {
				t.Error("a drawing without a role")
			}
		}
	})
	if tables < 6 || len(refs) < 20 {
		t.Fatalf("%d tables, %d references", tables, len(refs))
	}
	for _, r := range refs {
		if !ids[r] {
			t.Errorf("nothing has the id %s", r)
		}
	}
}

func TestHTMLTellsTheFindings(t *testing.T) {
	d := analyzed(t, labPath("04d-replicated-static-release-demands.pcap"))
	page := htmlOf(t, d)
	var text string
	visitHTML(t, page, func(n *html.Node) {
		if n.Data == "body" {
			text = textOf(n)
		}
	})
	for _, want := range []string{"A static mapping in WINS makes the server demand a multihomed host's name", "BDC1<20>", "10.20.9.12", "release-demand",
		`netsh wins server \\10.20.9.12 delete name name=BDC1 endchar=20`, "frame.number in {33, 34, 35", "event 4320", "Who held BDC1", "155", "static-multihomed-release"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// manyRows is a run with n hosts and names.
func manyRows(n int) *Document {
	d := aDocument(aFinding(0x20))
	for i := range n {
		a := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		d.Result.Hosts = append(d.Result.Hosts, analyze.Host{ID: i + 1, Addresses: []netip.Addr{a}, Names: []string{fmt.Sprintf("PC%d<20>", i)}, Roles: []string{"end-node"}})
		d.Result.Names = append(d.Result.Names, analyze.Name{Name: nbns.MakeName(fmt.Sprintf("PC%d", i), 0x20), Type: "unique", Holder: i + 1, Addresses: []netip.Addr{a},
			State: "active", From: t0 + int64(i)})
	}
	return d
}

func TestHTMLStaysSmall(t *testing.T) {
	const n = 10_000
	page := htmlOf(t, manyRows(n))
	rows, drawings := 0, 0
	more := map[string]int{}
	visitHTML(t, page, func(n *html.Node) {
		switch {
		case n.Type == html.ElementNode && n.Data == "tr":
			rows++
		case n.Type == html.ElementNode && n.Data == "svg":
			drawings++
		case n.Type == html.ElementNode && n.Data == "script" && attribute(n, "class") == "more":
			var data [][]string
			if err := json.Unmarshal([]byte(textOf(n)), &data); err != nil {
				t.Error(err)
			}
			more[attribute(n.Parent.Parent, "id")] = len(data)
		}
	})
	if rows > 300 {
		t.Errorf("%d rows stand in the page", rows)
	}
	if more["hosts"] != n-htmlPage || more["names"] != n-htmlPage {
		t.Errorf("rows to show on demand: %v", more)
	}
	if len(page) > 4<<20 {
		t.Errorf("the page takes %d bytes", len(page))
	}
}

func TestHTMLOfManyFindings(t *testing.T) {
	var findings []*analyze.Finding
	for i := range 2000 {
		f := aFinding(0x20)
		f.Name = nbns.MakeName(fmt.Sprintf("PC%d", i), 0x20)
		for k := range f.Evidence {
			for j := range f.Evidence[k].Frames {
				r := &f.Evidence[k].Frames[j]
				r.Time, r.Src, r.Dst, r.What = t0+int64(j), nic1, serverAddr, "register"
			}
		}
		findings = append(findings, f)
	}
	page := htmlOf(t, aDocument(findings...))
	articles, drawings := 0, 0
	visitHTML(t, page, func(n *html.Node) {
		switch {
		case n.Type == html.ElementNode && n.Data == "article":
			articles++
		case n.Type == html.ElementNode && n.Data == "svg":
			drawings++
		}
	})
	if articles != htmlStories || drawings != htmlDiagrams {
		t.Errorf("%d stories told, %d drawings", articles, drawings)
	}
	if !bytes.Contains(page, []byte(fmt.Sprintf("%d milder findings are listed above", 2000-htmlStories))) {
		t.Error("the page does not say what it leaves out")
	}
	if len(page) > 8<<20 {
		t.Errorf("the page takes %d bytes", len(page))
	}
}

// Whatever names, scopes, files and words hold, the page is made of what it
// is made of, and runs one script.
func TestHostileHTML(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := aFinding(0x20)
		copy(f.Name[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(rt, "name"))
		f.Scope = hostile().Draw(rt, "scope")
		f.Title = hostile().Draw(rt, "title")
		f.Rule = hostile().Draw(rt, "rule")
		f.Evidence[0].Text = hostile().Draw(rt, "text")
		f.Evidence[0].Frames[0] = analyze.FrameRef{Frame: 1, Role: hostile().Draw(rt, "role"), Time: t0, Src: nic1, Dst: serverAddr, What: hostile().Draw(rt, "what")}
		f.Alternatives[0].Why = hostile().Draw(rt, "why")
		f.Remedy = []string{hostile().Draw(rt, "remedy"), "netsh wins server \\\\1.2.3.4 delete name name=" + hostile().Draw(rt, "typed") + " endchar=20"}
		f.References = []string{hostile().Draw(rt, "reference")}
		f.EventData = hostile().Draw(rt, "data")
		d := aDocument(f, aFinding(0))
		d.Version = hostile().Draw(rt, "version")
		d.Files[0] = hostile().Draw(rt, "file")
		d.Inputs[0].Name = d.Files[0]
		for range 3 {
			d.Result.Hosts = append(d.Result.Hosts, analyze.Host{ID: 1, Names: []string{hostile().Draw(rt, "host name")}, MultihomedWhy: []analyze.Reason{{Text: hostile().Draw(rt, "reason")}}})
			d.Result.Names = append(d.Result.Names, analyze.Name{Name: f.Name, Scope: f.Scope, Type: hostile().Draw(rt, "type"), State: hostile().Draw(rt, "state"), From: t0})
			d.Result.Mappings = append(d.Result.Mappings, analyze.Mapping{Name: f.Name, Scope: f.Scope, Source: "import:" + hostile().Draw(rt, "source")})
		}
		checkHTML(t, htmlOf(t, d))
	})
}

func TestCommandsOfSteps(t *testing.T) {
	for _, c := range []struct {
		step string
		want []string
	}{
		{`Windows Server, to look: netsh wins server \\10.0.0.1 show name name=FILESRV endchar=20`, []string{`netsh wins server \\10.0.0.1 show name name=FILESRV endchar=20`}},
		{`Windows Server, to delete: netsh wins server \\10.0.0.1 delete name name=A-B endchar=1c (again with 00, 03 and 20)`,
			[]string{`netsh wins server \\10.0.0.1 delete name name=A-B endchar=1c`}},
		{"On the host: nbtstat -RR or a restart, then check nbtstat -n for Conflict.", []string{"nbtstat -RR", "nbtstat -n"}},
		{"on Windows `nbtstat -RR` on the machine", []string{"nbtstat -RR"}},
		{"10.1.2.3  FILESRV  #PRE #DOM:CORP", []string{"10.1.2.3  FILESRV  #PRE #DOM:CORP"}},
		{"10.1.2.3 is the address of it", nil},
		{"Rename the machine.", nil},
		{`netsh wins server \\10.0.0.1 delete name name=A&calc endchar=20`, nil},
		{`netsh wins server \\10.0.0.1 delete name name=$(x) endchar=20`, nil},
		{`netsh wins server \\10.0.0.1 delete name name="A" endchar=20`, nil},
	} {
		var got []string
		whole := ""
		for _, s := range commands(c.step) {
			whole += s.Text
			if s.Command {
				got = append(got, s.Text)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: commands %q", c.step, got)
		}
		if whole != strings.ReplaceAll(c.step, "`", "") {
			t.Errorf("%q became %q", c.step, whole)
		}
	}
}

func TestTimelineKeepsWithinBounds(t *testing.T) {
	var rows []*analyze.Name
	for i := range 40 {
		rows = append(rows, &analyze.Name{Name: nbns.MakeName("FILESRV", byte(i)), Addresses: []netip.Addr{nic1}, State: "active", From: t0 + int64(i)*1e9, Until: t0 + int64(i)*2e9})
	}
	rows[0].From, rows[0].Until = t0-1e9, 0
	rows[1].From, rows[1].Until = t0+1e18, t0+2e18
	tl := newTimeline("t", "FILESRV", rows, t0, t0+30e9)
	if len(tl.Bars) != maxTimelineBars || tl.Left != 40-maxTimelineBars {
		t.Errorf("%d bars, %d left out", len(tl.Bars), tl.Left)
	}
	for _, b := range tl.Bars {
		if b.X < tl.X1 || b.W < timelineLeast || b.X+b.W > tl.X2 {
			t.Errorf("a bar from %d, %d wide, is not within %d and %d", b.X, b.W, tl.X1, tl.X2)
		}
	}
	if b := tl.Bars[0]; b.X != tl.X1 || b.W != timelineWidth || b.Until != "to the end" {
		t.Errorf("what lasts all the time is %+v", b)
	}
	wellFormed(t, drawn(t, "timeline", tl))
	if newTimeline("t", "n", nil, 0, 1) != nil {
		t.Error("a timeline of nothing")
	}
}
