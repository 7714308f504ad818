// Command capgen writes a generated capture: general traffic with some NBNS in
// it, or NBNS alone in many shapes. The same flags give the same bytes.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"nbtrace/captures/capgen"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "capgen:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout, stderr io.Writer) (err error) {
	var (
		c                  capgen.Config
		size, format, path string
		fs                 = flag.NewFlagSet("capgen", flag.ContinueOnError)
		kinds              = make([]string, len(capgen.Kinds))
	)
	for i, k := range capgen.Kinds {
		kinds[i] = string(k)
	}
	fs.SetOutput(stderr)
	fs.StringVar((*string)(&c.Kind), "kind", string(capgen.KindSparse), "one of "+strings.Join(kinds, ", "))
	fs.StringVar(&size, "size", "0", "stop at this `size` of the file, in bytes or with K, M, G (10^3, 10^6, 10^9)")
	fs.Int64Var(&c.Messages, "messages", 0, "stop after this many NBNS messages (default 10000 without --size)")
	fs.IntVar(&c.Names, "names", 0, "distinct names")
	fs.IntVar(&c.Hosts, "hosts", 0, "distinct hosts")
	fs.IntVar(&c.Servers, "servers", 0, "WINS servers, 1 or 2")
	fs.Uint64Var(&c.Seed, "seed", 1, "seed")
	fs.StringVar(&format, "format", "pcap", "pcap (nanoseconds) or pcapng")
	fs.StringVar(&path, "o", "-", "`file` to write, - for standard output")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if c.Bytes, err = parseSize(size); err != nil {
		return err
	}
	switch format {
	case "pcap":
	case "pcapng":
		c.NG = true
	default:
		return fmt.Errorf("unknown format %q: pcap or pcapng", format)
	}
	out := stdout
	if path != "-" {
		f, err := os.Create(path)
		if err != nil {
			return err
		}
		defer func() {
			if e := f.Close(); err == nil {
				err = e
			}
		}()
		out = f
	}
	st, err := capgen.Generate(out, c)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stderr, "%d frames, %d NBNS messages, %d bytes\n", st.Frames, st.Messages, st.Bytes)
	return err
}

func parseSize(s string) (int64, error) {
	unit := int64(1)
	for suffix, n := range map[string]int64{"K": 1e3, "M": 1e6, "G": 1e9} {
		if t, ok := strings.CutSuffix(strings.ToUpper(s), suffix); ok {
			s, unit = t, n
			break
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > (1<<62)/unit {
		return 0, fmt.Errorf("size %q is no number of bytes", s)
	}
	return n * unit, nil
}
