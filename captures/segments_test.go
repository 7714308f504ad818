package captures

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// InSegments makes a reader walk file in segments of n bytes from the second
// frame on, whatever is in them.
func (r *Reader) InSegments(file io.ReaderAt, size, n int64, workers int) {
	r.file, r.size, r.workers = file, size, workers
	r.plan = plan{segment: n, first: n, buffer: minBuffer}
	r.look = 0
}

// Adopted is how many segments were taken as workers walked them.
func (r *Reader) Adopted() int { return r.adopted }

// most leaves about seven frames of eight behind.
func most(_ LinkType, data []byte) bool { return len(data) > 0 && data[len(data)/2]%8 != 0 }

// Differ reads b alone and in segments and reports what differs. It returns how
// many segments were adopted.
func Differ(t testing.TB, name string, b []byte, useless func(LinkType, []byte) bool, sizes ...int64) int {
	t.Helper()
	alone, err := NewReader("x", bytes.NewReader(b), WithBuffer(1))
	if err != nil {
		return 0
	}
	all, wantErr := readAll(alone)
	var want []Frame
	var left Left
	for i, f := range all {
		if i > 0 && useless(f.Link, f.Data) {
			left.add(1, f.Time)
			continue
		}
		want = append(want, f)
	}
	adopted := 0
	for _, size := range append(sizes, 0) {
		r, err := NewReader("x", bytes.NewReader(b), WithBuffer(1))
		if err != nil {
			t.Fatal(err)
		}
		r.LeaveBehind(useless, new(atomic.Bool), 2)
		if size > 0 {
			r.InSegments(bytes.NewReader(b), int64(len(b)), size, 2)
		}
		got, err := readAll(r)
		what := fmt.Sprintf("%s in segments of %d", name, size)
		if fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Errorf("%s: %v, want %v", what, err, wantErr)
		}
		if g, w := fmt.Sprint(r.Info()), fmt.Sprint(alone.Info()); g != w {
			t.Errorf("%s: info %s\nwant %s", what, g, w)
		}
		if r.Left() != left {
			t.Errorf("%s: left %v, want %v", what, r.Left(), left)
		}
		if err == nil && r.BytesRead() != int64(len(b)) {
			t.Errorf("%s: read %d bytes of %d", what, r.BytesRead(), len(b))
		}
		if again := r.Next(new(Frame)); again == nil {
			t.Errorf("%s: a frame after the end", what)
		}
		for i := range min(len(got), len(want)) {
			g, w := got[i], want[i]
			if g.Number != w.Number || g.Time != w.Time || g.Interface != w.Interface || g.Link != w.Link ||
				g.Length != w.Length || g.Input != w.Input || !bytes.Equal(g.Data, w.Data) {
				t.Errorf("%s, frame %d:\n got %+v\nwant %+v", what, i, g, w)
				break
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d frames, want %d", what, len(got), len(want))
		}
		adopted += r.Adopted()
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	return adopted
}

// rows are n records of many sizes, a second apart at most.
func rows(rng *rand.Rand, n int, most int) []record {
	records := make([]record, n)
	for i := range records {
		data := make([]byte, 1+rng.IntN(most))
		for k := range data {
			data[k] = byte(rng.Uint32())
		}
		records[i] = record{sec: 1700000000 + uint32(i/3), frac: uint32(i % 999_999), data: string(data), orig: len(data) + rng.IntN(2)*100}
	}
	return records
}

// segmented are captures with enough records to be cut into segments.
func segmented(t testing.TB) map[string][]byte {
	t.Helper()
	rng := rand.New(rand.NewPCG(5, 6))
	small := rows(rng, 400, 120)
	files := map[string][]byte{
		"micro le":    pcapFile(le, magicMicro, 1, 4, small...),
		"micro be":    pcapFile(be, magicMicro, 1, 4, small...),
		"nano le":     pcapFile(le, magicNano, 1, 4, small...),
		"nano be":     pcapFile(be, magicNano, 276, 4, small...),
		"ixia":        pcapFile(le, magicIxia, 1, 4, small...),
		"version 2.3": pcapFile(le, magicMicro, 1, 3, small...),
		"large":       pcapFile(le, magicMicro, 1, 4, rows(rng, 200, 3000)...),
	}
	swapped := slices.Clone(small)
	for i := range swapped {
		swapped[i].incl, swapped[i].orig = uint32(swapped[i].orig), len(swapped[i].data)
	}
	files["version 2.2"] = pcapFile(be, magicMicro, 6, 2, swapped...)
	patched := slices.Clone(small)
	for i := range patched {
		patched[i].extra = "\x02\x00\x00\x00\x08\x00\x04\x00"
	}
	files["patched"] = pcapFile(le, magicPatched, 1, 4, patched...)
	long := rows(rng, 60, 100)
	long[20].data, long[40].data = strings.Repeat("x", 70_000), strings.Repeat("y", maxData)
	long[20].orig, long[40].orig = 0, 0
	files["records over many segments"] = pcapFile(le, magicMicro, 1, 4, long...)
	odd := slices.Clone(small)
	for i := 10; i < 400; i += 10 {
		odd[i].sec, odd[i].frac = uint32(rng.Uint32()), rng.Uint32()
	}
	files["odd times"] = pcapFile(le, magicMicro, 1, 4, odd...)

	// Frames that hold whole captures, as the transfer of one gives them.
	var nested []record
	for i, r := range rows(rng, 60, 200) {
		nested = append(nested, r, record{sec: r.sec, data: string(pcapFile(le, magicMicro, 1, 4, small[i:i+40]...))})
	}
	files["captures in frames"] = pcapFile(le, magicMicro, 1, 4, nested...)

	for name, o := range map[string]byteOrder{"le": le, "be": be} {
		var plain, kinds, sections [][]byte
		plain = [][]byte{shb(o), idb(o, 1, 0, ngOption(o, optionResolution, []byte{9})), idb(o, 113, 0)}
		kinds = slices.Clone(plain)
		for i, r := range small {
			b := epb(o, uint32(i%2), 1700000000_000000000+uint64(i)*1e6, r.data, r.orig)
			plain = append(plain, b)
			kinds = append(kinds, b)
			switch i % 20 {
			case 0:
				kinds = append(kinds, spb(o, r.data, len(r.data)))
			case 5:
				kinds = append(kinds, opb(o, 1, 1700000000_000000+uint64(i), r.data))
			case 10:
				kinds = append(kinds, block(o, blockCustom, []byte(r.data)))
			case 15:
				kinds = append(kinds, stats(o, uint32(i%3), counter(o, optionIfDrop, uint64(i))))
			}
			if i%100 == 50 {
				kinds = append(kinds, idb(o, uint16(i), 0))
			}
			if i%130 == 0 {
				sections = append(sections, shb(le), idb(le, 1, 0), shb(o), idb(o, uint16(100+i), 0), idb(o, 1, 0))
			}
			sections = append(sections, epb(o, uint32(i%2), 1700000000_000000+uint64(i), r.data, r.orig, ngOption(o, 1, []byte("comment"))))
		}
		files["pcapng "+name] = join(plain...)
		files["pcapng with all blocks "+name] = join(kinds...)
		files["pcapng of several sections "+name] = join(sections...)
		files["pcapng with a large block "+name] = join(join(plain[:200]...), block(o, 77, make([]byte, 3<<20)), join(plain[200:]...))
		files["pcapng in frames "+name] = join(join(plain[:20]...), epb(o, 0, 1700000000_020000000, string(join(plain[3:200]...)), 0), join(plain[20:]...))
	}
	return files
}

func TestInSegments(t *testing.T) {
	defer goleak.VerifyNone(t)
	for name, b := range segmented(t) {
		adopted := Differ(t, name, b, most, 200, 1000, 4096, 20_000)
		if adopted < 3 {
			t.Errorf("%s: only %d segments were adopted", name, adopted)
		}
		// Cut in the last records, and where a length says more than there is.
		for n := len(b) - 1; n > len(b)-120 && len(b) < 1<<20; n-- {
			Differ(t, fmt.Sprintf("%s cut at %d", name, n), b[:n], most, 1000)
			if t.Failed() {
				return
			}
		}
	}
	for name, b := range sampleFiles(t) {
		Differ(t, name, b, most, 64, 300, 4096)
	}
}

// TestSpoiltInSegments: damage anywhere ends the reader where it would alone.
func TestSpoiltInSegments(t *testing.T) {
	defer goleak.VerifyNone(t)
	files := segmented(t)
	maps.DeleteFunc(files, func(_ string, b []byte) bool { return len(b) >= 100_000 })
	names := slices.Sorted(maps.Keys(files))
	rng := rand.New(rand.NewPCG(7, 8))
	adopted := 0
	for range 1500 {
		name := names[rng.IntN(len(names))]
		b := bytes.Clone(files[name])
		for range 1 + rng.IntN(4) {
			at := 30 + rng.IntN(len(b)-30)
			switch rng.IntN(5) {
			case 0:
				b[at] ^= 1 << rng.IntN(8)
			case 1:
				b[at] = byte(rng.Uint32())
			case 2:
				copy(b[at:], make([]byte, 40))
			case 3:
				b = b[:max(40, at)]
			case 4: // a piece of the file again
				from := rng.IntN(len(b))
				copy(b[at:], b[from:min(len(b), from+rng.IntN(5000))])
			}
		}
		adopted += Differ(t, "spoilt "+name, b, most, 500, int64(300+rng.IntN(5000)))
		if t.Failed() {
			t.FailNow()
		}
	}
	if adopted < 5000 {
		t.Errorf("only %d segments were adopted", adopted)
	}
}

func FuzzInSegments(f *testing.F) {
	for _, b := range sampleFiles(f) {
		f.Add(b, uint16(100))
	}
	for _, b := range segmented(f) {
		f.Add(b[:min(len(b), 6000)], uint16(500))
	}
	f.Fuzz(func(t *testing.T, b []byte, size uint16) {
		Differ(t, "fuzzed", b, most, 16+int64(size))
	})
}

// TestFileChanges: what the file was when it was opened is only a hint.
func TestFileChanges(t *testing.T) {
	defer goleak.VerifyNone(t)
	b := segmented(t)["micro le"]
	whole, _, err := readBytes(t, b)
	if err != nil {
		t.Fatal(err)
	}
	kept := func(frames []Frame) (n int) {
		for i, f := range frames {
			if i == 0 || !most(f.Link, f.Data) {
				n++
			}
		}
		return n
	}
	for _, tt := range []struct {
		name string
		size int64 // as it was when opened
		file []byte
	}{{"grown", int64(len(b) / 2), b}, {"shrunk", int64(len(b)), b[:len(b)/2]}, {"emptied", int64(len(b)), b[:0]}} {
		r, err := NewReader("x", io.MultiReader(bytes.NewReader(b[:100]), bytes.NewReader(tt.file[min(100, len(tt.file)):])), WithBuffer(1))
		if err != nil {
			t.Fatal(err)
		}
		r.LeaveBehind(most, new(atomic.Bool), 2)
		r.InSegments(bytes.NewReader(tt.file), tt.size, 1000, 2)
		frames, err := readAll(r)
		switch tt.name {
		case "grown":
			if err != nil || len(frames) != kept(whole) {
				t.Errorf("%s: %d frames, %v", tt.name, len(frames), err)
			}
		case "shrunk":
			alone, _, want := readBytes(t, tt.file)
			if want == nil || fmt.Sprint(err) != fmt.Sprint(want) || len(frames) != kept(alone) {
				t.Errorf("%s: %d frames, %v, want %v", tt.name, len(frames), err, want)
			}
		}
		r.Close()
	}
}

// failingAt is a file that cannot be read from an offset on.
type failingAt struct {
	*bytes.Reader
	from int64
	err  error
}

func (f failingAt) ReadAt(p []byte, at int64) (int, error) {
	if at >= f.from {
		return 0, f.err
	}
	if at+int64(len(p)) > f.from {
		n, _ := f.Reader.ReadAt(p[:f.from-at], at)
		return n, f.err
	}
	return f.Reader.ReadAt(p, at)
}

func TestSegmentCannotBeRead(t *testing.T) {
	defer goleak.VerifyNone(t)
	broken := errors.New("disk on fire")
	for name, b := range segmented(t) {
		n := int64(len(b) * 2 / 3)
		alone, err := NewReader("x", failing(b[:n], broken))
		if err != nil {
			t.Fatal(err)
		}
		_, want := readAll(alone)
		r, err := NewReader("x", bytes.NewReader(b[:2000]), WithBuffer(1))
		if err != nil {
			t.Fatal(err)
		}
		r.LeaveBehind(most, new(atomic.Bool), 2)
		r.InSegments(failingAt{bytes.NewReader(b), n, broken}, int64(len(b)), 1000, 2)
		// What follows the window that is filled from b.
		r.src = &stretch{file: r.file, at: 2000, soft: 1 << 40, end: 1 << 40}
		_, err = readAll(r)
		if !errors.Is(err, broken) || err.Error() != want.Error() || r.Info().Packets != alone.Info().Packets {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
		r.Close()
	}
}

// TestStopInSegments closes and stops readers in the middle.
func TestStopInSegments(t *testing.T) {
	defer goleak.VerifyNone(t)
	b := segmented(t)["large"]
	all := func(LinkType, []byte) bool { return true }
	for i := range 50 {
		var stop atomic.Bool
		r, err := NewReader("x", bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		useless := most
		if i%3 == 0 {
			useless = all
		}
		r.LeaveBehind(func(l LinkType, data []byte) bool {
			if i%2 == 0 && len(data)%500 == i {
				stop.Store(true)
			}
			return useless(l, data)
		}, &stop, 2)
		r.InSegments(bytes.NewReader(b), int64(len(b)), 3000, 3)
		var f Frame
		for range i {
			if err := r.Next(&f); err != nil {
				if stop.Load() && (!errors.Is(err, errStopped) || r.Info().Err != nil) {
					t.Errorf("stopped: %v, %+v", err, r.Info())
				}
				break
			}
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if err := r.Next(&f); !errors.Is(err, os.ErrClosed) && !errors.Is(err, io.EOF) && !stop.Load() {
			t.Errorf("after Close: %v", err)
		}
	}
}

// TestUsualPlan walks a file that is large enough for segments as they are.
func TestUsualPlan(t *testing.T) {
	defer goleak.VerifyNone(t)
	p := usualPlan
	var records []record
	for i := range 60_000 {
		records = append(records, record{sec: uint32(i), data: strings.Repeat(string(rune('a'+i%26)), 600+i%900)})
	}
	sparse := func(l LinkType, data []byte) bool { return len(data)%1000 != 7 }
	dense := func(l LinkType, data []byte) bool { return false }
	b := pcapFile(le, magicMicro, 1, 4, records...)
	path := filepath.Join(t.TempDir(), "capture")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		useless func(LinkType, []byte) bool
		workers int
		most    int
		least   int
	}{
		{"sparse", sparse, 2, 1 << 30, (len(b)-int(p.first))/int(p.segment) - 1},
		{"one core", sparse, 1, 0, 0},
		{"many cores", sparse, 100, 1 << 30, (len(b)-int(p.first))/int(p.segment) - 1},
		{"dense", dense, 2, 0, 0},
	} {
		r, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		r.LeaveBehind(tt.useless, new(atomic.Bool), tt.workers)
		frames, err := readAll(r)
		if err != nil || r.Adopted() < tt.least || r.Adopted() > tt.most {
			t.Errorf("%s: %d segments adopted, %v", tt.name, r.Adopted(), err)
		}
		n := 0
		for i, rec := range records {
			if i == 0 || !tt.useless(1, []byte(rec.data)) {
				if n == len(frames) || frames[n].Number != int64(i+1) || string(frames[n].Data) != rec.data {
					t.Fatalf("%s: frame %d is not where it should be", tt.name, i+1)
				}
				n++
			}
		}
		if i := r.Info(); n != len(frames) || i.Packets != int64(len(records)) || i.Bytes != int64(len(b)) || r.BytesRead() != int64(len(b)) ||
			r.Left().Frames != int64(len(records)-n) {
			t.Errorf("%s: %d frames, %+v, %+v", tt.name, len(frames), i, r.Left())
		}
		r.Close()
	}
}

// TestGuessesAreBounded: captures made to be guessed at cost little more.
func TestGuessesAreBounded(t *testing.T) {
	// A row of the smallest blocks breaks before it is long enough.
	row := append(bytes.Repeat(block(le, 5, nil), guessedBytes/12-1), block(le, 99, nil)...)
	b := join(shb(le), idb(le, 1, 0), bytes.Repeat(row, 200))
	r, err := NewReader("x", bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	w := &Reader{window: window{buf: make([]byte, usualPlan.buffer)}, fixed: true, file: bytes.NewReader(b),
		leaving: leaving{useless: most, stop: new(atomic.Bool), plan: usualPlan}}
	seg := &segment{start: 1 << 20, end: 5 << 20, state: r.state()}
	begin := time.Now()
	if err := w.segment(seg); !errors.Is(err, errGuess) || w.looks > maxLooks+guessedBytes {
		t.Errorf("%v after %d looks", err, w.looks)
	}
	if d := time.Since(begin); d > time.Second {
		t.Errorf("it took %v", d)
	}
}

// TestWorkersStayClose: a block of any length must not lead a worker through
// the whole file.
func TestWorkersStayClose(t *testing.T) {
	b := join(shb(le), idb(le, 1, 0), bytes.Repeat(epb(le, 0, 1, "abc", 3), 40), patch(block(le, 77, nil), 4, 1<<31), make([]byte, 8<<20))
	r, err := NewReader("x", bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Next(new(Frame)); err != nil {
		t.Fatal(err)
	}
	file := &farthest{Reader: bytes.NewReader(b)}
	w := &Reader{window: window{buf: make([]byte, minBuffer)}, fixed: true, file: file,
		leaving: leaving{useless: most, stop: new(atomic.Bool), plan: usualPlan}}
	seg := &segment{start: 48, end: 40_000, exact: true, state: r.state()}
	if err := w.segment(seg); !errors.Is(err, errFar) || file.at > seg.end+reach+minBuffer {
		t.Errorf("%v, read as far as %d", err, file.at)
	}
}

// farthest notes how far it has been read.
type farthest struct {
	*bytes.Reader
	at int64
}

func (f *farthest) ReadAt(p []byte, at int64) (int, error) {
	f.at = max(f.at, at+int64(len(p)))
	return f.Reader.ReadAt(p, at)
}

// TestSegmentsAllocateNothing per frame or segment, once there are buffers.
func TestSegmentsAllocateNothing(t *testing.T) {
	few := rows(rand.New(rand.NewPCG(5, 6)), 1000, 120)
	many := slices.Repeat(few, 10)
	for _, workers := range []int{0, 2} {
		var n [2]float64
		for i, records := range [][]record{few, many} {
			b := pcapFile(le, magicMicro, 1, 4, records...)
			n[i] = testing.AllocsPerRun(5, func() {
				r, err := NewReader("x", bytes.NewReader(b))
				if err != nil {
					t.Fatal(err)
				}
				r.LeaveBehind(most, new(atomic.Bool), workers)
				if workers > 0 {
					r.InSegments(bytes.NewReader(b), int64(len(b)), 4000, workers)
				}
				var f Frame
				for r.Next(&f) == nil {
				}
				if workers > 0 && r.Adopted() < len(b)/4000/2 {
					t.Errorf("%d segments adopted", r.Adopted())
				}
				r.Close()
			})
		}
		if n[1] > n[0]+40 {
			t.Errorf("%d workers: %v allocations for 1,000 frames, %v for 10,000", workers, n[0], n[1])
		}
	}
}

// TestMergeLeavesBehind: the frames that are yielded come in the order of all.
func TestMergeLeavesBehind(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	useless := func(_ LinkType, data []byte) bool { return data[len(data)-1]%3 != 0 }
	compared, unordered, adopted := 0, 0, 0
	for range 300 {
		var files [][]byte
		for range 1 + rng.IntN(maxWalked+4) {
			seconds := make([]uint32, rng.IntN(80))
			for k := range seconds {
				seconds[k] = 10 + uint32(k) + rng.Uint32N(5)
				if rng.IntN(10) == 0 {
					seconds[k] = rng.Uint32N(60)
				}
			}
			if !slices.IsSorted(seconds) {
				unordered++
			}
			files = append(files, at(seconds...))
		}
		first := make([]bool, len(files))
		var want []string
		all := NewMerge(openAll(t, files...))
		var left Left
		for {
			var f Frame
			if all.Next(&f) != nil {
				break
			}
			if first[f.Input] && useless(f.Link, f.Data) {
				left.add(1, f.Time)
				continue
			}
			first[f.Input] = true
			want = append(want, fmt.Sprintf("%d:%d@%d", f.Input, f.Number, f.Time/second))
		}
		for _, size := range []int64{0, 150, 500} {
			m := NewMerge(openAll(t, files...))
			m.LeaveBehind(useless, new(atomic.Bool), 2)
			for i, r := range m.rs {
				if size > 0 {
					r.InSegments(bytes.NewReader(files[i]), int64(len(files[i])), size, 2)
				}
			}
			if got := merged(t, m); !slices.Equal(got, want) {
				t.Fatalf("in segments of %d: got  %v\nwant %v", size, got, want)
			}
			if m.Left() != left || fmt.Sprint(m.Infos()) != fmt.Sprint(all.Infos()) {
				t.Fatalf("in segments of %d: left %v, want %v\n%+v", size, m.Left(), left, m.Infos())
			}
			for _, r := range m.rs {
				adopted += r.Adopted()
			}
			if err := m.Close(); err != nil {
				t.Fatal(err)
			}
		}
		compared += len(want)
	}
	if compared < 5000 || unordered < 100 || adopted < 5000 {
		t.Errorf("%d frames of %d unordered files compared, %d segments", compared, unordered, adopted)
	}
}

// TestMergeWalksOneFileAfterTheOther: the files of a ring buffer, of which only
// one is wanted at a time, are all walked by workers.
func TestMergeWalksOneFileAfterTheOther(t *testing.T) {
	useless := func(LinkType, []byte) bool { return true }
	var files [][]byte
	for i := range 3 * maxWalked {
		seconds := make([]uint32, 100)
		for k := range seconds {
			seconds[k] = uint32(1000*i + k)
		}
		files = append(files, at(seconds...))
	}
	m := NewMerge(openAll(t, files...))
	m.LeaveBehind(useless, new(atomic.Bool), 2)
	for i, r := range m.rs {
		r.InSegments(bytes.NewReader(files[i]), int64(len(files[i])), 300, 2)
	}
	if got := merged(t, m); len(got) != len(files) {
		t.Fatalf("got %v, want the first frame of each", got)
	}
	for i, r := range m.rs {
		if r.Adopted() == 0 {
			t.Errorf("file %d was walked by one core alone", i)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
}
