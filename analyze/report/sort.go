package report

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"net/netip"
	"slices"
)

// SortKey orders rows by one column.
type SortKey struct {
	Column     Column
	Descending bool
}

// sorter holds rows in a packed form until it is closed, then hands them to
// its writer in order. Rows with equal keys stay in the order they came;
// null comes last.
type sorter struct {
	w     RowWriter
	keys  []SortKey
	width int
	rows  []sortedRow
}

type sortedRow struct {
	keys   []keyValue
	packed []byte
}

type keyValue struct {
	null  bool
	num   int64
	float float64
	addr  netip.Addr
	text  []byte
}

func newSorter(w RowWriter, keys []SortKey, width int) *sorter {
	return &sorter{w: w, keys: keys, width: width}
}

func (s *sorter) add(row, keys []Value) {
	r := sortedRow{packed: packRow(nil, row), keys: make([]keyValue, len(keys))}
	for i := range keys {
		r.keys[i] = makeKey(&keys[i], &s.keys[i].Column)
	}
	s.rows = append(s.rows, r)
}

func makeKey(v *Value, c *Column) keyValue {
	k := keyValue{null: v.null, num: v.num, float: v.float}
	if !v.isText() && v.typ != Ints {
		return k
	}
	k.text = v.appendFlat(nil, ";")
	if c.Addr {
		if a, err := netip.ParseAddr(string(k.text)); err == nil {
			k.addr = a
		}
	}
	return k
}

func (s *sorter) Close() error {
	slices.SortStableFunc(s.rows, func(a, b sortedRow) int {
		for i := range s.keys {
			if c := compareKeys(&a.keys[i], &b.keys[i], &s.keys[i]); c != 0 {
				return c
			}
		}
		return 0
	})
	row := make([]Value, s.width)
	for i := range s.rows {
		unpackRow(s.rows[i].packed, row)
		s.rows[i] = sortedRow{}
		if err := s.w.WriteRow(row); err != nil {
			return err
		}
	}
	return s.w.Close()
}

func compareKeys(a, b *keyValue, k *SortKey) int {
	if a.null || b.null {
		return cmp.Compare(boolInt(a.null), boolInt(b.null))
	}
	var c int
	switch k.Column.Type {
	case Uint:
		c = cmp.Compare(uint64(a.num), uint64(b.num))
	case Int, Bool, Time:
		c = cmp.Compare(a.num, b.num)
	case Float:
		c = cmp.Compare(a.float, b.float)
	default:
		c = a.addr.Compare(b.addr)
		if c == 0 {
			c = bytes.Compare(a.text, b.text)
		}
	}
	if k.Descending {
		return -c
	}
	return c
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// packRow appends the values of a row in a form without gaps.
func packRow(dst []byte, row []Value) []byte {
	for i := range row {
		v := &row[i]
		if v.null {
			dst = append(dst, 0xFF)
			continue
		}
		dst = append(dst, byte(v.typ))
		switch v.typ {
		case Float:
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(v.float))
		case String, Object:
			dst = packText(dst, v.text)
		case Strings:
			dst = binary.AppendUvarint(dst, uint64(len(v.ends)))
			for k := range v.ends {
				dst = packText(dst, v.element(k))
			}
		case Ints:
			dst = binary.AppendUvarint(dst, uint64(len(v.ints)))
			for _, n := range v.ints {
				dst = binary.AppendVarint(dst, n)
			}
		case Frames:
			dst = binary.AppendUvarint(dst, uint64(len(v.frames)))
			for k := range v.frames {
				f := &v.frames[k]
				dst = packText(dst, f.file)
				dst = binary.AppendVarint(dst, f.frame)
				dst = packText(dst, f.role)
			}
		default:
			dst = binary.AppendVarint(dst, v.num)
		}
	}
	return dst
}

func packText[T string | []byte](dst []byte, s T) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

// unpackRow sets row to what packRow packed; the values refer to p.
func unpackRow(p []byte, row []Value) {
	u := unpacker{p}
	for i := range row {
		v := &row[i]
		t := u.b[0]
		u.b = u.b[1:]
		if t == 0xFF {
			v.SetNull()
			continue
		}
		v.set(Type(t))
		switch v.typ {
		case Float:
			v.float = math.Float64frombits(binary.LittleEndian.Uint64(u.b))
			u.b = u.b[8:]
		case String, Object:
			v.text = append(v.text[:0], u.text()...)
		case Strings:
			v.SetStrings()
			for range u.uvarint() {
				v.text = append(v.text, u.text()...)
				v.ends = append(v.ends, len(v.text))
			}
		case Ints:
			v.SetInts()
			for range u.uvarint() {
				v.AddInt(u.varint())
			}
		case Frames:
			v.SetFrames()
			for range u.uvarint() {
				f := frameCell{file: string(u.text()), frame: u.varint()}
				f.role = string(u.text())
				v.frames = append(v.frames, f)
			}
		default:
			v.num = u.varint()
		}
	}
}

// unpacker reads what packRow wrote in this process, so it trusts lengths.
type unpacker struct{ b []byte }

func (u *unpacker) uvarint() uint64 {
	n, k := binary.Uvarint(u.b)
	u.b = u.b[k:]
	return n
}

func (u *unpacker) varint() int64 {
	n, k := binary.Varint(u.b)
	u.b = u.b[k:]
	return n
}

func (u *unpacker) text() []byte {
	n := u.uvarint()
	s := u.b[:n]
	u.b = u.b[n:]
	return s
}
