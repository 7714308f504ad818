// Package nbtrace_test holds the tests of the project as a whole.
package nbtrace_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// layers are the packages from the outside in; each line may import the lines
// below it, and packages of one line do not import each other. Tests may
// import what they like.
var layers = [][]string{
	{"cmd/nbtrace", "cmd/capgen", "scripts/bench"},
	{"rules", "analyze/report", "analyze/enginetest"},
	{"analyze"},
	{"analyze/names", "analyze/hosts", "analyze/mappings"},
	{"analyze/exchange", "analyze/wire/nbnslayer", "captures/corpus/scenario"},
	{"analyze/wire", "analyze/winsrepl", "analyze/nbdgm"},
	{"analyze/nbns"},
	{"captures/live", "captures/bpf", "captures/capgen", "captures/corpus", "captures/corpus/golden"},
	{"captures", "analyze/prefetch"},
}

// bans say which packages alone may import a module, and why.
var bans = []struct {
	module string // the import path and all below it
	only   []string
	why    string
}{
	{"github.com/olekukonko/tablewriter", []string{"analyze/report"},
		"it neither escapes cells nor reports write errors; one package knows how to live with that"},
	{"github.com/xuri/excelize", []string{"analyze/report"}, "captured text must pass the one place that escapes it"},
	{"github.com/parquet-go", []string{"analyze/report"}, "captured text must pass the one place that escapes it"},
	{"github.com/google/gopacket/pcap", []string{"captures/live", "captures/bpf"},
		"it needs cgo and libpcap, without which files must still be analysed; and it numbers no frames"},
	{"github.com/google/gopacket/pcapgo", nil, "its pcapng reader panics and allocates without bounds on hostile files"},
	{"github.com/google/gopacket/reassembly", nil, "it flushes in map order, is unbounded by default, and adds global flags"},
	{"github.com/google/gopacket/tcpassembly", nil, "as reassembly"},
	{"github.com/google/gopacket", []string{"captures/live", "captures/bpf", "analyze/wire", "analyze/wire/nbnslayer"},
		"a narrow use keeps a change to its maintained fork to a few import lines"},
	{"github.com/klauspost/compress", []string{"captures", "captures/capgen"}, "compression belongs to opening a capture"},
	{"github.com/spf13", []string{"cmd/nbtrace"}, "flags belong to the command; the rest is a library"},
	{"github.com/vbauerster/mpb", []string{"cmd/nbtrace"}, "progress belongs to the command"},
	{"golang.org/x/term", []string{"cmd/nbtrace"}, "a library does not ask what its output is connected to"},
	{"unsafe", []string{"analyze/prefetch"}, "memory safety is what the parsers rest on; asking for memory reads none"},
}

// standardOnly are packages that import nothing but the standard library and
// each other, so that others can take the codecs without our dependencies.
var standardOnly = []string{"analyze/nbns", "analyze/winsrepl", "analyze/nbdgm"}

type goPackage struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	CgoFiles   []string
	Imports    []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,GoFiles,CgoFiles,Imports", "./...").Output()
	if err != nil {
		var e *exec.ExitError
		if errors.As(err, &e) {
			t.Fatalf("go list: %v\n%s", err, e.Stderr)
		}
		t.Fatalf("go list: %v", err)
	}
	var all []goPackage
	d := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if p.ImportPath != "nbtrace" {
			all = append(all, p)
		}
	}
	if len(all) < 8 {
		t.Fatalf("only %d packages", len(all))
	}
	return all
}

func short(path string) string { return strings.TrimPrefix(path, "nbtrace/") }

func layerOf(pkg string) int {
	return slices.IndexFunc(layers, func(l []string) bool { return slices.Contains(l, pkg) })
}

func TestImportsPointDown(t *testing.T) {
	for _, p := range packages(t) {
		from := short(p.ImportPath)
		own := layerOf(from)
		if own < 0 {
			t.Errorf("%s has no place in layers: give it one", from)
			continue
		}
		for _, i := range p.Imports {
			to, ours := strings.CutPrefix(i, "nbtrace/")
			if !ours {
				continue
			}
			if theirs := layerOf(to); theirs <= own {
				t.Errorf("%s imports %s, which is not below it", from, to)
			}
		}
	}
}

func TestBannedImports(t *testing.T) {
	for _, p := range packages(t) {
		from := short(p.ImportPath)
		for _, i := range p.Imports {
			// The most special ban counts: gopacket/pcap before gopacket.
			for _, b := range bans {
				if i != b.module && !strings.HasPrefix(i, b.module+"/") {
					continue
				}
				if !slices.Contains(b.only, from) {
					t.Errorf("%s imports %s: %s", from, i, b.why)
				}
				break
			}
			if slices.Contains(standardOnly, from) && strings.Contains(strings.SplitN(i, "/", 2)[0], ".") {
				t.Errorf("%s imports %s: codecs use the standard library only", from, i)
			}
		}
		if len(p.CgoFiles) > 0 && from != "captures/live" {
			t.Errorf("%s uses cgo: only captures/live may", from)
		}
	}
}

// Nothing but a main function ends the process, so that every part can be
// tested and used in process, and no temporary file stays behind.
func TestOnlyMainExits(t *testing.T) {
	mains := 0
	for _, p := range packages(t) {
		for _, name := range p.GoFiles {
			fset := token.NewFileSet()
			file, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, decl := range file.Decls {
				fn, isFunc := decl.(*ast.FuncDecl)
				isMain := isFunc && fn.Recv == nil && fn.Name.Name == "main" && file.Name.Name == "main"
				if isMain {
					mains++
				}
				ast.Inspect(decl, func(n ast.Node) bool {
					call, ok := n.(*ast.SelectorExpr)
					if !ok {
						return true
					}
					x, ok := call.X.(*ast.Ident)
					if !ok {
						return true
					}
					switch what := x.Name + "." + call.Sel.Name; what {
					case "os.Exit", "log.Fatal", "log.Fatalf", "log.Fatalln":
						if !isMain {
							t.Errorf("%s: %s outside main", fset.Position(n.Pos()), what)
						}
					}
					return true
				})
			}
		}
	}
	if mains == 0 {
		t.Error("no main function was found")
	}
}

// Package names say what a package does.
func TestNoGrabBagPackages(t *testing.T) {
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if name := d.Name(); slices.Contains([]string{"util", "utils", "common", "helper", "helpers", "misc", "manager"}, name) {
			t.Errorf("%s: name the package by what it does", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
