package report

import (
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Type is the type of a column.
type Type uint8

// The types of columns. A list is never null but may be empty. A Frames
// column is a list of {file, frame, role}. An Object is nested JSON.
const (
	String Type = iota
	Int
	Uint // 64 bits, version IDs
	Float
	Bool
	Time // ns since 1970 UTC
	Strings
	Ints
	Frames
	Object
)

// Value is one cell. Its buffers are reused when it is set again.
type Value struct {
	null   bool
	typ    Type
	num    int64 // Int, Uint (as bits), Bool, Time
	float  float64
	text   []byte // String and Object; the elements of Strings one after the other
	ends   []int  // of the elements of Strings, in text
	ints   []int64
	frames []frameCell
}

type frameCell struct {
	file  string // escaped
	frame int64
	role  string // escaped
}

// SetNull makes the cell empty.
func (v *Value) SetNull() { v.null = true }

func (v *Value) set(t Type) { v.null, v.typ = false, t }

// SetInt sets an integer.
func (v *Value) SetInt(n int64) { v.set(Int); v.num = n }

// SetUint sets an unsigned integer.
func (v *Value) SetUint(n uint64) { v.set(Uint); v.num = int64(n) }

// SetBool sets a truth value.
func (v *Value) SetBool(b bool) {
	v.set(Bool)
	v.num = 0
	if b {
		v.num = 1
	}
}

// SetTime sets a time in nanoseconds since 1970 UTC.
func (v *Value) SetTime(ns int64) { v.set(Time); v.num = ns }

// SetFloat sets a finite number.
func (v *Value) SetFloat(f float64) { v.set(Float); v.float = f }

// SetText sets a text, escaped.
func (v *Value) SetText(s string) {
	v.set(String)
	v.text = appendEscaped(v.text[:0], s)
}

// SetAddr sets an address; the zero address is null.
func (v *Value) SetAddr(a netip.Addr) {
	if !a.IsValid() {
		v.SetNull()
		return
	}
	v.set(String)
	v.text = appendAddr(v.text[:0], a)
}

// SetHex sets the bytes as hexadecimal digits.
func (v *Value) SetHex(b []byte) {
	v.set(String)
	v.text = hex.AppendEncode(v.text[:0], b)
}

// SetMAC sets a MAC address, in the form 00:15:5d:8d:01:35.
func (v *Value) SetMAC(m [6]byte) {
	v.set(String)
	v.text = appendMAC(v.text[:0], m)
}

// SetStrings makes the cell an empty list of texts.
func (v *Value) SetStrings() {
	v.set(Strings)
	v.text, v.ends = v.text[:0], v.ends[:0]
}

// AddText appends a text to a list, escaped.
func (v *Value) AddText(s string) {
	v.text = appendEscaped(v.text, s)
	v.ends = append(v.ends, len(v.text))
}

// AddAddr appends an address to a list of texts.
func (v *Value) AddAddr(a netip.Addr) {
	v.text = appendAddr(v.text, a)
	v.ends = append(v.ends, len(v.text))
}

// AddMAC appends a MAC address to a list of texts.
func (v *Value) AddMAC(m [6]byte) {
	v.text = appendMAC(v.text, m)
	v.ends = append(v.ends, len(v.text))
}

// SetInts makes the cell an empty list of integers.
func (v *Value) SetInts() {
	v.set(Ints)
	v.ints = v.ints[:0]
}

// AddInt appends to a list of integers.
func (v *Value) AddInt(n int64) { v.ints = append(v.ints, n) }

// SetFrames makes the cell an empty list of frames.
func (v *Value) SetFrames() {
	v.set(Frames)
	v.frames = v.frames[:0]
}

// AddFrame appends to a list of frames.
func (v *Value) AddFrame(file string, frame int64, role string) {
	v.frames = append(v.frames, frameCell{Escape(file), frame, Escape(role)})
}

// SetObject makes the cell nested JSON; write appends it, its strings escaped.
func (v *Value) SetObject(write func([]byte) []byte) {
	v.set(Object)
	v.text = write(v.text[:0])
}

// element is the i-th element of a list of texts.
func (v *Value) element(i int) []byte {
	start := 0
	if i > 0 {
		start = v.ends[i-1]
	}
	return v.text[start:v.ends[i]]
}

// isText reports whether the flat form of the cell is text, not a number,
// a truth value or a time that is spelled by this package alone.
func (v *Value) isText() bool {
	switch v.typ {
	case String, Strings, Frames, Object:
		return !v.null
	}
	return false
}

// appendTime appends a time as 2026-11-24T06:00:00.123456789Z, always with
// nine decimals, so that all have one width and sort as text. Years of ns in
// 64 bits are 1677 to 2262. Package time's formatting takes three times as
// long, a quarter of what a row of messages takes.
func appendTime(dst []byte, ns int64) []byte {
	t := time.Unix(0, ns).UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	dst = appendDigits(dst, year, 4)
	dst = append(dst, '-')
	dst = appendDigits(dst, int(month), 2)
	dst = append(dst, '-')
	dst = appendDigits(dst, day, 2)
	dst = append(dst, 'T')
	dst = appendDigits(dst, hour, 2)
	dst = append(dst, ':')
	dst = appendDigits(dst, minute, 2)
	dst = append(dst, ':')
	dst = appendDigits(dst, second, 2)
	dst = append(dst, '.')
	dst = appendDigits(dst, t.Nanosecond(), 9)
	return append(dst, 'Z')
}

// appendDigits appends n, which is not negative, in that many digits.
func appendDigits(dst []byte, n, digits int) []byte {
	var b [9]byte
	for i := digits - 1; i >= 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return append(dst, b[:digits]...)
}

// appendAddr appends an address, nothing for the zero one.
func appendAddr(dst []byte, a netip.Addr) []byte {
	if !a.IsValid() {
		return dst
	}
	if a.Zone() != "" {
		return appendEscaped(dst, a.String())
	}
	return a.AppendTo(dst)
}

// addressText lists addresses for people.
func addressText(addrs []netip.Addr) string {
	parts := make([]string, len(addrs))
	for i, a := range addrs {
		parts[i] = string(appendAddr(nil, a))
	}
	return strings.Join(parts, ", ")
}

func appendMAC(dst []byte, m [6]byte) []byte {
	for i, b := range m {
		if i > 0 {
			dst = append(dst, ':')
		}
		dst = append(dst, hexDigits[b>>4], hexDigits[b&0xf])
	}
	return dst
}

// appendFlat appends the cell as one text, for formats without lists. sep
// parts the elements of a list; a semicolon within an element is written \x3b.
// Null is nothing.
func (v *Value) appendFlat(dst []byte, sep string) []byte {
	if v.null {
		return dst
	}
	switch v.typ {
	case String, Object:
		return append(dst, v.text...)
	case Int, Time, Uint, Bool, Float:
		return v.appendScalar(dst)
	case Strings:
		for i := range v.ends {
			if i > 0 {
				dst = append(dst, sep...)
			}
			dst = appendElement(dst, v.element(i))
		}
	case Ints:
		for i, n := range v.ints {
			if i > 0 {
				dst = append(dst, sep...)
			}
			dst = strconv.AppendInt(dst, n, 10)
		}
	case Frames:
		for i := range v.frames {
			f := &v.frames[i]
			if i > 0 {
				dst = append(dst, sep...)
			}
			dst = appendElement(dst, f.file)
			dst = append(dst, ':')
			dst = strconv.AppendInt(dst, f.frame, 10)
			dst = append(dst, ':')
			dst = appendElement(dst, f.role)
		}
	}
	return dst
}

func appendElement[T string | []byte](dst []byte, s T) []byte {
	for i := 0; i < len(s); i++ {
		if s[i] == ';' {
			dst = append(dst, `\x3b`...)
		} else {
			dst = append(dst, s[i])
		}
	}
	return dst
}

func (v *Value) appendScalar(dst []byte) []byte {
	switch v.typ {
	case Int:
		return strconv.AppendInt(dst, v.num, 10)
	case Uint:
		return strconv.AppendUint(dst, uint64(v.num), 10)
	case Float:
		return strconv.AppendFloat(dst, v.float, 'f', -1, 64)
	case Bool:
		return strconv.AppendBool(dst, v.num != 0)
	default:
		return appendTime(dst, v.num)
	}
}

// appendJSON appends the cell as JSON.
func (v *Value) appendJSON(dst []byte) []byte {
	if v.null {
		return append(dst, "null"...)
	}
	switch v.typ {
	case String:
		return appendJSONString(dst, v.text)
	case Object:
		return append(dst, v.text...)
	case Time:
		dst = append(dst, '"')
		dst = appendTime(dst, v.num)
		return append(dst, '"')
	case Int, Uint, Bool, Float:
		return v.appendScalar(dst)
	}
	dst = append(dst, '[')
	switch v.typ {
	case Strings:
		for i := range v.ends {
			dst = comma(dst, i)
			dst = appendJSONString(dst, v.element(i))
		}
	case Ints:
		for i, n := range v.ints {
			dst = comma(dst, i)
			dst = strconv.AppendInt(dst, n, 10)
		}
	case Frames:
		for i := range v.frames {
			f := &v.frames[i]
			dst = comma(dst, i)
			dst = append(dst, `{"file":`...)
			dst = appendJSONString(dst, f.file)
			dst = append(dst, `,"frame":`...)
			dst = strconv.AppendInt(dst, f.frame, 10)
			dst = append(dst, `,"role":`...)
			dst = appendJSONString(dst, f.role)
			dst = append(dst, '}')
		}
	}
	return append(dst, ']')
}

func comma(dst []byte, i int) []byte {
	if i > 0 {
		dst = append(dst, ',')
	}
	return dst
}
