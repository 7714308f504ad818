package mappings

import "testing"

var lmhostsTests = []readTest{
	{"plain line", LMHOSTS, "# hosts\n10.0.0.5\tfilesrv  #PRE  # the file server\n", `
2 FILESRV<00> unique static 10.0.0.5
2 FILESRV<03> unique static 10.0.0.5
2 FILESRV<20> unique static 10.0.0.5
`},
	{"quoted name with suffix", LMHOSTS, `10.0.0.5 "APPNAME        \0x14" #PRE` + "\n", `
1 APPNAME<14> unique static 10.0.0.5
`},
	{"quoted name that is not padded", LMHOSTS, `10.0.0.5 "APPNAME\0x14"`, `
1 APPNAME<14> unique static 10.0.0.5
note 1: the quoted name is not padded to 15 characters: Windows takes the byte behind it for a part of the name
	10.0.0.5        "APPNAME        \0x14"
`},
	{"quoted name of 16 bytes", LMHOSTS, "10.0.0.5 \"fifteen chars..\x1b\"", `
1 FIFTEEN CHARS..<1b> unique static 10.0.0.5
`},
	{"quoted name with blanks, no suffix", LMHOSTS, `10.0.0.5 "OLD GATE"`, `
1 OLD GATE<00> unique static 10.0.0.5
1 OLD GATE<03> unique static 10.0.0.5
1 OLD GATE<20> unique static 10.0.0.5
`},
	{"Samba's suffix", LMHOSTS, "10.0.0.5 FILESRV#20\n10.0.0.6 DESK#comment\n", `
1 FILESRV<20> unique static 10.0.0.5
2 DESK<00> unique static 10.0.0.6
2 DESK<03> unique static 10.0.0.6
2 DESK<20> unique static 10.0.0.6
`},
	{"multihomed", LMHOSTS, "10.0.0.5 orders #MH\n10.0.1.5 ORDERS #PRE#MH\n", `
1 ORDERS<00> multihomed static 10.0.0.5 10.0.1.5
1 ORDERS<03> multihomed static 10.0.0.5 10.0.1.5
1 ORDERS<20> multihomed static 10.0.0.5 10.0.1.5
`},
	{"domain", LMHOSTS, "10.0.0.5 DC1 #PRE #DOM:office #two\n10.0.0.6 DC2 #DOM:OFFICE\n", `
1 OFFICE<1c> special-group static 10.0.0.5 10.0.0.6
`},
	{"special group", LMHOSTS, "10.0.0.5 PRINTERS #SG\n10.0.0.6 PRINTERS #SG\n10.0.0.7 \"PRINTERS       \\0x31\" #SG\n", `
1 PRINTERS<20> special-group static 10.0.0.5 10.0.0.6
3 PRINTERS<31> special-group static 10.0.0.7
`},
	{"includes are not followed", LMHOSTS, "10.0.0.5 \"A              \\0x20\"\n#BEGIN_ALTERNATE\n#INCLUDE \\\\srv\\public\\lmhosts\n#END_ALTERNATE\n", `
1 A<20> unique static 10.0.0.5
problem 2: #BEGIN_ALTERNATE is not followed: give the files that the block names as lists of their own: "#BEGIN_ALTERNATE"
problem 3: the file that #INCLUDE names is not read: give it as a list of its own: "#INCLUDE \\\\srv\\public\\lmhosts"
problem 4: #END_ALTERNATE is not followed: give the files that the block names as lists of their own: "#END_ALTERNATE"
`},
	{"bad lines", LMHOSTS, "10.0.0.5 A#20\n10.0.0.05 B\n10.0.0.5\n10.0.0.5 \"B\n10.0.0.5 \"B              \\0xzz\"\n" +
		"10.0.0.5 SIXTEENCHARACTER\n10.0.0.5 DC #DOM:\nhost 10.0.0.5\n10.0.0.5 \xc3\x9cBER\n", `
1 A<20> unique static 10.0.0.5
problem 2: does not start with an IPv4 address: "10.0.0.05 B"
problem 3: has no name: "10.0.0.5"
problem 4: the quoted name does not end: "10.0.0.5 \"B"
problem 5: \0x is not followed by two hexadecimal digits: "10.0.0.5 \"B              \\0xzz\""
problem 6: the name has more than 15 bytes: "10.0.0.5 SIXTEENCHARACTER"
problem 7: #DOM: the name is empty: "10.0.0.5 DC #DOM:"
problem 8: does not start with an IPv4 address: "host 10.0.0.5"
problem 9: the name has characters outside ASCII, and the file does not say which code page the server uses: "10.0.0.5 ÜBER"
`},
	{"bytes that are not UTF-8 behind its byte order mark", LMHOSTS, "\ufeff10.0.0.5 A#20\n10.0.0.6 M\x9aLLER#20\n", `
1 A<20> unique static 10.0.0.5
problem 2: the name has characters outside ASCII, and the file does not say which code page the server uses: "10.0.0.6 M\x9aLLER#20"
`},
	{"hostile bytes stay raw", LMHOSTS, "10.0.0.5 \x1b[2J#20\n10.0.0.6 \x1b[3J #bad\n\x1b[4J\n", `
1 \x1b[2J<20> unique static 10.0.0.5
2 \x1b[3J<00> unique static 10.0.0.6
2 \x1b[3J<03> unique static 10.0.0.6
2 \x1b[3J<20> unique static 10.0.0.6
problem 3: does not start with an IPv4 address: "\x1b[4J"
`},
	{"address of no host", LMHOSTS, "0.0.0.0 A#20\n", `
1 A<20> unique static 0.0.0.0
note 1: 0.0.0.0 is no address of a host
`},

	{"lint: several addresses without #MH", LMHOSTS, "10.0.0.5 orders #PRE\n10.0.0.9 other\n10.0.1.5 ORDERS\n", `
1 ORDERS<00> unique static 10.0.0.5
1 ORDERS<03> unique static 10.0.0.5
1 ORDERS<20> unique static 10.0.0.5
2 OTHER<00> unique static 10.0.0.9
2 OTHER<03> unique static 10.0.0.9
2 OTHER<20> unique static 10.0.0.9
3 ORDERS<00> unique static 10.0.1.5
3 ORDERS<03> unique static 10.0.1.5
3 ORDERS<20> unique static 10.0.1.5
note 1: ORDERS has 2 addresses in lines without #MH: WINS makes a static unique mapping of each, and a unique mapping clashes with the registrations of a multihomed host
	10.0.0.5        ORDERS #PRE #MH
	10.0.1.5        ORDERS #PRE #MH
`},
	{"lint: #MH missing in one line", LMHOSTS, "10.0.0.5 ORDERS#20 #MH\n10.0.1.5 ORDERS#20 #mh\n", `
2 ORDERS<20> unique static 10.0.1.5
1 ORDERS<20> multihomed static 10.0.0.5
note 1: ORDERS<20> has one address with #MH: a multihomed mapping has to hold the address of every adapter
note 2: the tag is not in upper case, so that Windows takes it for a comment
note 2: ORDERS<20> has lines with #MH and lines without: the latter become static unique mappings, which clash with the host's registrations
	10.0.0.5        "ORDERS         \0x20" #MH
	10.0.1.5        "ORDERS         \0x20" #MH
`},
	{"lint: repeated address", LMHOSTS, "10.0.0.5 OLD#20 #MH\n10.0.1.5 OLD#20 #MH\n10.0.0.5 OLD#20 #MH\n10.0.2.5 \"NEW            \\0x20\" #MH\n10.0.2.5 NEW#20 #MH\n", `
1 OLD<20> multihomed static 10.0.0.5 10.0.1.5
4 NEW<20> multihomed static 10.0.2.5
note 1: OLD<20> has an address twice in its lines with #MH: each line has to hold the address of another adapter
	10.0.0.5        "OLD            \0x20" #MH
	10.0.1.5        "OLD            \0x20" #MH
note 4: NEW<20> has the same address in several lines with #MH: each line has to hold the address of another adapter
`},
	{"lint: a host's three names make one note", LMHOSTS, "10.0.0.5 \"OLD GATE\" #MH\n10.0.1.5 \"OLD GATE\" #MH\n10.0.0.5 \"OLD GATE\" #MH\n", `
1 OLD GATE<00> multihomed static 10.0.0.5 10.0.1.5
1 OLD GATE<03> multihomed static 10.0.0.5 10.0.1.5
1 OLD GATE<20> multihomed static 10.0.0.5 10.0.1.5
note 1: OLD GATE has an address twice in its lines with #MH: each line has to hold the address of another adapter
	10.0.0.5        "OLD GATE" #MH
	10.0.1.5        "OLD GATE" #MH
`},
	{"lint: the same line twice", LMHOSTS, "10.0.0.5 A#20\n10.0.0.5 A#20\n", `
1 A<20> unique static 10.0.0.5
2 A<20> unique static 10.0.0.5
note 1: A<20> has the same line twice
	10.0.0.5        "A              \0x20"
`},
	{"lint: nothing", LMHOSTS, "10.0.0.5 A#20\n10.0.0.6 B#20\n10.0.0.5 C#20\n10.0.0.5 A#00\n", `
1 A<20> unique static 10.0.0.5
2 B<20> unique static 10.0.0.6
3 C<20> unique static 10.0.0.5
4 A<00> unique static 10.0.0.5
`},
}

func TestReadLMHosts(t *testing.T) { runReadTests(t, lmhostsTests) }
