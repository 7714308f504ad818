package captures

import (
	"errors"
	"io"
	"math"
	"slices"
	"sync/atomic"
)

// Walking a sparse capture takes the time of copying it out of the system's
// cache, and one core cannot copy as fast as memory gives. So several do, each
// walking what it has copied itself. A goroutine does not know where the first
// record of its segment begins: it guesses. The reader takes a segment's result
// only if the guess is where the segment before it ended, and walks the
// segment itself if not. So guesses decide how long it takes, and nothing else.

// plan says when segments are worth their while, and how large they are.
type plan struct {
	segment int64 // bytes of a segment
	first   int64 // bytes to read alone, and of which little must be of use
	least   int64 // bytes of the file that must be left
	sparse  int64 // the reader is alone if 1/sparse of the bytes is of use
	buffer  int   // bytes of a worker's buffer
}

var usualPlan = plan{segment: 4 << 20, first: 4 << 20, least: 32 << 20, sparse: 20, buffer: 256 << 10}

const (
	// maxWorkers bounds the memory; a few cores copy as fast as memory gives.
	maxWorkers = 8
	// maxWalked is how many inputs of a merge are walked so at one time.
	maxWalked = 4
	// maxMisses is how many segments in a row may have been walked in vain.
	maxMisses = 4
	// beyond is how much is read with the end of a segment, for its last record.
	beyond = 4 << 10
	// reach is how far behind its segment a worker goes for the last record.
	reach = 2 << 20
	// A guess must make sense of so many bytes and records, if there are as many.
	guessedBytes   = 32 << 10
	guessedRecords = 5
	// maxLooks bounds the records that a guess looks at.
	maxLooks = 1 << 16
)

// segments is a file being walked by workers. Its methods belong to the
// reader's goroutine.
type segments struct {
	jobs   chan *segment // to be walked
	queue  []*segment    // handed out, in order of the file
	free   []*segment
	stop   atomic.Bool // tells the workers to end
	from   int64       // where the next segment begins
	misses int

	cur    *segment // whose frames are being yielded
	used   int      // frames of it that have been
	number int64    // of the last frame before it
	before Left     // what was left behind before it
}

// segment is the part of a file from start to end, and what a worker found in
// it: the records that begin there.
type segment struct {
	start, end int64
	exact      bool // a record begins at start
	state      state
	done       chan struct{}

	ok               bool  // walked to its end
	begin            int64 // offset of the first record
	after            int64 // offset behind the last one
	number           int64 // frames numbered
	packets          int64
	earliest, latest int64 // as the reader's
	left             Left
	frames           []Frame // that are of use, numbered from 1
	lefts            []Left  // what was left behind before each of them
	data             []byte  // of them
}

// state is what the records before it say about a record.
type state struct {
	format format
	big    bool
	pcap   pcapState
	ifaces []iface
	before int
	age    int // counts changes
}

func (r *Reader) state() state {
	return state{r.format, r.big, r.pcap, slices.Clip(r.ng.ifaces), r.ng.before, r.age}
}

// nextOfSegments yields the next frame that workers found. It yields nothing
// where the reader must go on alone, as far as r.look.
func (r *Reader) nextOfSegments(f *Frame) (yielded bool, err error) {
	if r.segs == nil && !r.beginSegments() {
		return false, nil
	}
	s := r.segs
	for {
		if s.cur != nil {
			if s.used < len(s.cur.frames) {
				*f = s.cur.frames[s.used]
				f.Input = r.input
				f.Number += s.number
				r.left = s.before.and(s.cur.lefts[s.used])
				s.used++
				return true, nil
			}
			r.left = s.before.and(s.cur.left)
			s.free = append(s.free, s.cur)
			s.cur = nil
		}
		if r.stop.Load() {
			return false, errStopped
		}
		r.handOut()
		if len(s.queue) == 0 {
			r.endSegments()
			return false, nil
		}
		seg := s.queue[0]
		s.queue = slices.Delete(s.queue, 0, 1)
		<-seg.done
		switch fits := seg.state.age == r.age; {
		case seg.ok && fits && seg.begin == r.offset():
			s.misses = 0
			r.adopt(seg)
			continue
		case r.offset() >= seg.end: // a record reaches over all of it
			s.free = append(s.free, seg)
			continue
		case fits:
			s.misses++
		}
		s.free = append(s.free, seg)
		r.look = seg.end
		if s.misses == maxMisses {
			r.endSegments()
			r.plan.first *= 4
			r.lookLater()
		}
		return false, nil
	}
}

// adopt takes the result of a segment as if the reader had walked it.
func (r *Reader) adopt(seg *segment) {
	r.adopted++
	s := r.segs
	s.cur, s.used, s.number, s.before = seg, 0, r.number, r.left
	r.number += seg.number
	r.packets += seg.packets
	r.first = min(r.first, seg.earliest)
	r.last = max(r.last, seg.latest)
	r.jump(stretch{file: r.file, at: seg.after, soft: math.MaxInt64, end: math.MaxInt64})
	r.read.Store(seg.after)
}

// beginSegments starts workers if the file has been sparse of late and much of
// it is left.
func (r *Reader) beginSegments() bool {
	at := r.offset()
	if r.size-at < r.plan.least {
		r.look = math.MaxInt64
		return false
	}
	if r.kept*r.plan.sparse >= at-r.mark {
		r.lookLater()
		return false
	}
	if r.walked.Add(1) > maxWalked {
		r.walked.Add(-1)
		r.lookLater()
		return false
	}
	n := r.workers + 2
	r.segs = &segments{jobs: make(chan *segment, n), from: at}
	for range n {
		r.segs.free = append(r.segs.free, &segment{done: make(chan struct{}, 1)})
	}
	for range r.workers {
		go r.segs.work(&Reader{window: window{buf: make([]byte, r.plan.buffer)}, fixed: true, file: r.file,
			leaving: leaving{useless: r.useless, stop: &r.segs.stop, plan: r.plan}})
	}
	return true
}

func (r *Reader) lookLater() {
	r.mark, r.kept = r.offset(), 0
	r.look = r.mark + r.plan.first
}

// handOut gives the workers all they have room for, but the last piece of the
// file, which the reader walks itself: it may have grown or shrunk by then.
func (r *Reader) handOut() {
	s := r.segs
	for n := len(s.free); n > 0; n-- {
		end := (s.from/r.plan.segment + 1) * r.plan.segment
		if end > r.size {
			return
		}
		seg := s.free[n-1]
		s.free = s.free[:n-1]
		seg.start, seg.end, seg.exact, seg.state = s.from, end, s.from == r.offset(), r.state()
		s.from = end
		s.queue = append(s.queue, seg)
		s.jobs <- seg
	}
}

// endSegments tells the workers to end, and does not wait for them.
func (r *Reader) endSegments() {
	r.look = math.MaxInt64
	if r.segs != nil {
		r.segs.stop.Store(true)
		close(r.segs.jobs)
		r.segs = nil
		r.walked.Add(-1)
	}
}

// work walks segments with a reader of its own.
func (s *segments) work(w *Reader) {
	for seg := range s.jobs {
		seg.ok = !s.stop.Load() && w.segment(seg) == nil
		seg.done <- struct{}{}
	}
}

var (
	errDense  = errors.New("too much of the segment is of use")
	errGuess  = errors.New("no record begins there")
	errFar    = errors.New("the last record goes on far behind the segment")
	errChange = errors.New("a block changes what is known of the blocks behind it")
)

// segment walks a segment. It gives up at everything that the reader must see
// for itself.
func (r *Reader) segment(seg *segment) error {
	r.jump(stretch{file: r.file, at: seg.start, soft: seg.end + beyond, end: seg.end + reach})
	r.looks = 0
	r.format, r.big, r.pcap = seg.state.format, seg.state.big, seg.state.pcap
	r.ng = ngState{ifaces: seg.state.ifaces, before: seg.state.before}
	r.number, r.packets, r.first, r.last, r.err, r.left = 0, 0, math.MaxInt64, math.MinInt64, nil, Left{}
	seg.frames, seg.lefts, seg.data = seg.frames[:0], seg.lefts[:0], seg.data[:0]
	if !seg.exact && !r.guess() {
		return errGuess
	}
	seg.begin, r.kept = r.offset(), 0
	for {
		var f Frame
		yielded, err := r.pass(&f, seg.end)
		if err != nil {
			return err
		}
		if !yielded {
			break
		}
		at := len(seg.data)
		seg.data = append(seg.data, f.Data...)
		f.Data = seg.data[at:len(seg.data):len(seg.data)]
		seg.frames, seg.lefts = append(seg.frames, f), append(seg.lefts, r.left)
		if r.kept += cost(&f); r.kept*r.plan.sparse > r.plan.segment {
			return errDense
		}
	}
	seg.after = r.offset()
	seg.number, seg.packets, seg.left = r.number, r.packets, r.left
	seg.earliest, seg.latest = r.first, r.last
	return nil
}

// guess goes on to what looks like the next record.
func (r *Reader) guess() bool {
	r.need(1)
	step, chain := 1, r.recordChain
	if r.format == formatNG {
		step, chain = 4, r.blockChain
	}
	b := r.buf[r.pos:r.end]
	for at := int(-r.offset() & int64(step-1)); at < min(len(b), maxData) && r.looks < maxLooks; at += step {
		if chain(b[at:]) {
			r.pos += at
			return true
		}
	}
	return false
}

// mostBetween is the most time between two records that a guess allows.
const mostBetween = 86_400 * second

// recordChain reports whether b looks like a row of pcap records.
func (r *Reader) recordChain(b []byte) bool {
	p := &r.pcap
	var before int64
	for at, n := 0, 0; at < guessedBytes || n < guessedRecords; n++ {
		if len(b)-at < max(p.record, recordPlain) {
			return n > 1
		}
		r.looks++
		h := b[at:]
		incl, orig := r.u32(h[8:]), r.u32(h[12:])
		if p.lengths != capturedFirst {
			incl, orig = p.lengths.sort(incl, orig)
		}
		frac := int64(r.u32(h[4:])) * p.unit
		t := int64(r.u32(h))*second + frac
		if incl == 0 || incl > maxData || incl > orig || orig > maxLarge || p.snaplen > 0 && incl > p.snaplen ||
			frac >= second || n > 0 && distant(t, before) {
			return false
		}
		before = t
		at += p.record + int(incl)
	}
	return true
}

// blockChain reports whether b looks like a row of pcapng blocks.
func (r *Reader) blockChain(b []byte) bool {
	var before int64
	timed := false
	for at, n := 0, 0; at < guessedBytes || n < guessedRecords; n++ {
		if len(b)-at < 32 {
			return n > 1
		}
		r.looks++
		h := b[at:]
		kind, total := r.u32(h), r.u32(h[4:])
		if kind > blockEnhanced && kind != blockCustom && kind != blockCustomNC || kind == 0 ||
			total < 12 || total%4 != 0 || total > maxWhole {
			return false
		}
		if kind == blockEnhanced {
			id := r.u32(h[8:])
			if uint64(id) >= uint64(len(r.ng.ifaces)) || total < 32 || r.u32(h[20:]) > total-32 {
				return false
			}
			t := r.ng.ifaces[id].time(uint64(r.u32(h[12:]))<<32 | uint64(r.u32(h[16:])))
			if timed && distant(t, before) {
				return false
			}
			timed, before = true, t
		}
		if int(total) <= len(h) && r.u32(h[total-4:]) != total {
			return false
		}
		at += int(total)
	}
	return true
}

// distant reports whether times are too far apart for neighbours.
func distant(a, b int64) bool {
	d := a - b // may run over, and is then wrong: a guess may be
	return d > mostBetween || d < -mostBetween
}

// stretch reads a file from an offset on. What lies behind soft is read in
// small pieces, as little of it will be wanted, and what lies behind end not at
// all.
type stretch struct {
	file          io.ReaderAt
	at, soft, end int64
}

// jump goes on reading at a stretch of the file.
func (r *Reader) jump(s stretch) {
	r.stretch = s
	r.window = window{buf: r.buf, base: s.at, src: &r.stretch, count: r.count}
}

func (s *stretch) Read(p []byte) (int, error) {
	if s.at >= s.end {
		return 0, errFar
	}
	if room := s.soft - s.at; room > 0 {
		p = p[:min(int64(len(p)), room)]
	} else {
		p = p[:min(len(p), 64<<10)]
	}
	n, err := s.file.ReadAt(p, s.at)
	s.at += int64(n)
	if n > 0 {
		err = nil // if it lasts, the next read gives it
	}
	return n, err
}
