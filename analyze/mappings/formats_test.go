package mappings

import (
	"strings"
	"testing"
)

var winsdmpTests = []readTest{
	{"the example of KB142302", WINSDMP, `130.10.10.10,"TEST           ",0,17,3,0,0,502,0,820870950,1,130.0.25.14`, `
1 TEST<00> multihomed dynamic 130.0.25.14 owner=130.10.10.10 version=502 time=1996-01-05T19:42:30
`},
	{"every type and state", WINSDMP, `10.0.0.1,"ORDERS         ",32,17,3,0,1,2,1,0,2,10.0.1.5,10.0.2.5
10.0.0.1,"OFFICE         ",28,17,2,2,0,3,0,4294967295,0
10.0.0.1,"OFFICE         ",30,17,1,1,0,4,0,0,1,255.255.255.255
0.0.0.0,"A",0,17,0,0,0,5,1,0,1,10.0.1.6
`, `
1 ORDERS<20> multihomed static 10.0.1.5 10.0.2.5 owner=10.0.0.1 version=4294967298
3 OFFICE<1e> group dynamic released 255.255.255.255 owner=10.0.0.1 version=4
4 A<00> unique static 10.0.1.6 version=5
problem 2: has fewer than 12 fields: "10.0.0.1,\"OFFICE         \",28,17,2,2,0,3,0,4294967295,0"
`},
	{"names with commas and quotes", WINSDMP, `10.0.0.1,"A"",B""""""""""",0,17,0,0,0,5,1,0,1,10.0.1.6
10.0.0.1,"A,B",0,17,0,0,0,5,1,0,1,10.0.1.6
`, `
1 A"",B""""""""""<00> unique static 10.0.1.6 owner=10.0.0.1 version=5
2 A,B<00> unique static 10.0.1.6 owner=10.0.0.1 version=5
`},
	{"byte 16 in hexadecimal", WINSDMP, `10.0.0.1,"A              ",20,17,0,0,0,5,1,0,1,10.0.1.6
10.0.0.1,"B              ",03,17,0,0,0,6,1,0,1,10.0.1.6
10.0.0.1,"C              ",1B,17,0,0,0,7,1,0,1,10.0.1.6
10.0.0.1,"D              ",30,17,0,0,0,8,1,0,1,10.0.1.6
`, `
1 A<20> unique static 10.0.1.6 owner=10.0.0.1 version=5
2 B<03> unique static 10.0.1.6 owner=10.0.0.1 version=6
3 C<1b> unique static 10.0.1.6 owner=10.0.0.1 version=7
4 D<30> unique static 10.0.1.6 owner=10.0.0.1 version=8
note 0: byte 16 of the names (field 3) is read as a hexadecimal number
`},
	{"byte 16 in hexadecimal, told by 20 alone", WINSDMP, `10.0.0.1,"A              ",03,17,0,0,0,5,1,0,1,10.0.1.6
10.0.0.1,"A              ",20,17,0,0,0,6,1,0,1,10.0.1.6
`, `
1 A<03> unique static 10.0.1.6 owner=10.0.0.1 version=5
2 A<20> unique static 10.0.1.6 owner=10.0.0.1 version=6
note 0: byte 16 of the names (field 3) is read as a hexadecimal number
`},
	{"byte 16 with h", WINSDMP, `10.0.0.1,"A              ",20h,17,0,0,0,5,1,0,1,10.0.1.6`, `
1 A<20> unique static 10.0.1.6 owner=10.0.0.1 version=5
`},
	{"bad lines", WINSDMP, `10.0.0.1,"A              ",32,17,0,0,0,5,1,0,1,10.0.1.6
x,"A              ",32,17,0,0,0,5,1,0,1,10.0.1.6
10.0.0.1,"A              ",256,17,0,0,0,5,1,0,1,10.0.1.6
10.0.0.1,"                ",32,17,0,0,0,5,1,0,1,10.0.1.6
10.0.0.1,"A              ",32,17,4,0,0,5,1,0,1,10.0.1.6
10.0.0.1,"A              ",32,17,0,4,0,5,1,0,1,10.0.1.6
10.0.0.1,"A              ",32,17,0,0,0,4294967296,1,0,1,10.0.1.6
10.0.0.1,"A              ",32,17,0,0,0,5,2,0,1,10.0.1.6
10.0.0.1,"A              ",32,17,0,0,0,5,1,0,1,10.0.1
10.0.0.1,"A              ",32,17,0,0,0,5,1,0,2,10.0.1.6
10.0.0.1,"A              
`, `
1 A<20> unique static 10.0.1.6 owner=10.0.0.1 version=5
10 A<20> unique static 10.0.1.6 owner=10.0.0.1 version=5
problem 2: the owner (field 1) is no IPv4 address: "x,\"A              \",32,17,0,0,0,5,1,0,1,10.0.1.6"
problem 3: byte 16 of the name (field 3) is no number up to 255: "10.0.0.1,\"A              \",256,17,0,0,0,5,1,0,1,10.0.1.6"
problem 4: the name is empty: "10.0.0.1,\"                \",32,17,0,0,0,5,1,0,1,10.0.1.6"
problem 5: the type (field 5) is none of 0 to 3: "10.0.0.1,\"A              \",32,17,4,0,0,5,1,0,1,10.0.1.6"
problem 6: the state (field 6) is none of 0 to 3: "10.0.0.1,\"A              \",32,17,0,4,0,5,1,0,1,10.0.1.6"
problem 7: the version (fields 7 and 8) is no pair of 32-bit numbers: "10.0.0.1,\"A              \",32,17,0,0,0,4294967296,1,0,1,10.0.1.6"
problem 8: the static flag (field 9) is neither 0 nor 1: "10.0.0.1,\"A              \",32,17,0,0,0,5,2,0,1,10.0.1.6"
problem 9: an address (from field 12 on) is no IPv4 address: "10.0.0.1,\"A              \",32,17,0,0,0,5,1,0,1,10.0.1"
problem 10: has 1 addresses, but a count (field 11) of another number; they are used: "10.0.0.1,\"A              \",32,17,0,0,0,5,1,0,2,10.0.1.6"
problem 11: has fewer than 12 fields: "10.0.0.1,\"A"
`},
}

var winsDatTests = []readTest{
	{"types", WinsDat, `VERSION 1 0
# comment
"FILESRV#20" 0 10.0.0.5 64R
"ORDERS#00" 1795760082 10.0.0.5 10.0.1.5 64R
"OFFICE#1c" 1795760082 10.0.0.5 e4R
"OFFICE#1e" 1795760082 0.0.0.0 e4R
"OWN#20" 0 10.0.0.1 66S
"OLD#20" 1795760082 10.0.0.9 60R
"10.77.1.1#20" 1795522394 10.77.1.3  4R
"NOLETTER#20" 0 10.0.0.5 64
`, `
3 FILESRV<20> unique static 10.0.0.5
4 ORDERS<00> multihomed dynamic 10.0.0.5 10.0.1.5 time=2026-11-27T06:14:42
5 OFFICE<1c> special-group dynamic 10.0.0.5 time=2026-11-27T06:14:42
6 OFFICE<1e> group dynamic time=2026-11-27T06:14:42
7 OWN<20> unique 10.0.0.1
8 OLD<20> unique dynamic released 10.0.0.9 time=2026-11-27T06:14:42
9 10.77.1.1<20> unique dynamic 10.77.1.3 time=2026-11-24T12:13:14
10 NOLETTER<20> unique static 10.0.0.5
`},
	{"no VERSION line; quotes, # and dots in names; scope", WinsDat, `"A"#20#03" 0 10.0.0.5 64R
"A.B#20" 0 10.0.0.5 64R
"FILESRV.lab.example#20" 0 10.0.0.5 64R
`, `
1 A"#20<03> unique static 10.0.0.5
2 A.B<20> unique static 10.0.0.5
3 FILESRV<20>.lab.example unique static 10.0.0.5
`},
	{"bad lines", WinsDat, `VERSION 1 0
"A#20" 0 10.0.0.5 64R
A#20 0 10.0.0.5 64R
"A#2" 0 10.0.0.5 64R
"A#20" never 10.0.0.5 64R
"A#20" 0 10.0.0.5
"A#20" 0 10.0.0.256 64R
"THIS-NAME-IS-TOO-LONG#20" 0 10.0.0.5 64R
`, `
2 A<20> unique static 10.0.0.5
problem 3: does not start with "NAME#xx": "A#20 0 10.0.0.5 64R"
problem 4: does not start with "NAME#xx": "\"A#2\" 0 10.0.0.5 64R"
problem 5: the time of expiry behind the name is no number of seconds: "\"A#20\" never 10.0.0.5 64R"
problem 6: does not end in flags, two hexadecimal digits and R or S: "\"A#20\" 0 10.0.0.5"
problem 7: does not end in flags, two hexadecimal digits and R or S: "\"A#20\" 0 10.0.0.256 64R"
problem 8: the name has more than 15 bytes: "\"THIS-NAME-IS-TOO-LONG#20\" 0 10.0.0.5 64R"
`},
}

var ldifTests = []readTest{
	{"folded, base64, other objects", LDIF, `# record 1
dn: CN=VERSION
objectClass: winsMaxVersion
maxVersion: 72

# record 2
#  with a long comment that
 goes on
dn: name=A,type=0x20
objectClass: winsRecord
name:: QSAbWzJK
# a comment between attributes
 that goes on
type: 0xFFFFFFBE
scope: lab.
 example
recordType: 2
recordState: 2
isStatic: 0
versionID: 18446744073709551615
winsOwner: 0.0.0.0
address: 10.0.0.5;winsOwner:10.0.0.1;expireTime:20261127061619.0Z;
address: 10.0.0.6
expireTime: 20261127061619.0Z
`, `
9 A \x1b[2J<be>.lab.example special-group dynamic tombstone 10.0.0.5 10.0.0.6 version=18446744073709551615 time=2026-11-27T06:16:19
`},
	{"bad attributes", LDIF, `dn: x
objectClass: winsRecord
name: A
type: 0x20
isStatic: 1
recordType: 4
address: 10.0.0
winsOwner:: !!
expireTime:
no colon

dn: y
objectClass: winsRecord
name: B

dn: z
objectClass: winsRecord
name: SIXTEENCHARACTER
type: 32
`, `
1 A<20> unique static
problem 6: the attribute cannot be read: "recordType: 4"
problem 7: the attribute cannot be read: "address: 10.0.0"
problem 8: the attribute cannot be read: "winsOwner:: !!"
problem 10: the attribute cannot be read: "no colon"
problem 12: the winsRecord has no type: "dn: y"
problem 16: the name has more than 15 bytes: "SIXTEENCHARACTER"
`},
}

var netshTests = []readTest{
	{"listing in columns", Netsh, `***You have Read and Write access to the server wins1.example***

Name                -T-S- Version  -G- IP Address - Expiration
----------------------------------------------------------------
Records of owner 10.0.0.1 :

FILESRV        [20h]-S-A- 0 4a     -U- 10.0.0.5   - Infinite
ORDERS         [00h]-D-A- 0 D      -M- 10.0.1.5   - 7/10/2006 9:02:03 AM
                                       10.0.2.5
OFFICE         [1Ch]-D-T- 0 4b     -I- 10.0.0.6   - 7/10/2006 9:02:03 AM
OFFICE         [1Eh]-D-R- 0 4c     -N- 255.255.255.255
Records of owner 10.0.0.2 :
DESK 7         [03h] Dynamic Active 10.0.0.7
SECOND         [20h] 10.0.0.8 10.0.0.9
               [20h] 10.0.0.8

Command completed successfully.
`, `
7 FILESRV<20> unique static 10.0.0.5 owner=10.0.0.1
8 ORDERS<00> multihomed dynamic 10.0.1.5 10.0.2.5 owner=10.0.0.1
10 OFFICE<1c> special-group dynamic tombstone 10.0.0.6 owner=10.0.0.1
11 OFFICE<1e> group dynamic released 255.255.255.255 owner=10.0.0.1
13 DESK 7<03> unique dynamic 10.0.0.7 owner=10.0.0.2
14 SECOND<20> multihomed 10.0.0.8 10.0.0.9 owner=10.0.0.2
problem 15: the name is empty: "[20h] 10.0.0.8"
`},
	{"listing of one record", Netsh, `Name            : FILESRV        [20h]
NodeType        : 1
State           : TOMBSTONED
Expiration Date : Infinite
Type of Record  : INTERNET GROUP
Owner           : 10.0.0.1
Record type     : STATIC
IP Address      : 10.0.0.5
IP Address      : 10.0.0.6
`, `
1 FILESRV<20> special-group static tombstone 10.0.0.5 10.0.0.6 owner=10.0.0.1
`},
	{"commands", Netsh, `rem add name in a comment {10.0.0.1}
netsh wins server \\10.0.0.1 add name Name=FILESRV IP={10.0.0.5}
netsh wins server 10.0.0.1 add name Name=ORDERS EndChar=20 Scope=lab RecType=1 Group=3 Node=1 IP={10.0.1.5, 10.0.2.5}
add name name=OFFICE group=4 ip={10.0.0.6}
add name ODD 31 lab 0 2 1 {10.0.0.7}
add name Name=PRINTERS Group=1 IP={}
add name Name=BAD Group=5 IP={10.0.0.6}
add name Name=BAD EndChar=xx IP={10.0.0.6}
add name Name= EndChar=20 IP={10.0.0.6}
add name Name=BAD IP={10.0.0.6
`, `
2 FILESRV<00> unique static 10.0.0.5
2 FILESRV<03> unique static 10.0.0.5
2 FILESRV<20> unique static 10.0.0.5
3 ORDERS<20>.lab multihomed dynamic 10.0.1.5 10.0.2.5
4 OFFICE<1c> special-group static 10.0.0.6
5 ODD<31>.lab special-group static 10.0.0.7
6 PRINTERS<20> group static
problem 7: Group is none of 0 to 4: "add name Name=BAD Group=5 IP={10.0.0.6}"
problem 8: EndChar is no hexadecimal number of two digits: "add name Name=BAD EndChar=xx IP={10.0.0.6}"
problem 9: the name is empty: "add name Name= EndChar=20 IP={10.0.0.6}"
problem 10: the list of addresses does not end: "add name Name=BAD IP={10.0.0.6"
`},
}

var consoleTests = []readTest{
	{"commas, quotes, other order", Console, `Active Registrations on \\WINS1
"Static","Record Name","Type","State","IP Address","Owner"
"x","FILESRV","[20h] File Server","Active","10.0.0.5","10.0.0.1"
"","OFFICE","[1Ch] Domain Controller","Tombstoned","10.0.0.5, 10.0.0.6","10.0.0.1"
"?","A,B","[00h] WorkGroup","Released","10.0.0.7","WINS1"
"x","NOSUFFIX","File Server","Active","10.0.0.5","10.0.0.1"
"x","NOADDRESS","[20h] File Server","Active","","10.0.0.1"
"x","SIXTEENCHARACTER","[20h] File Server","Active","10.0.0.5","10.0.0.1"
`, `
3 FILESRV<20> unique static 10.0.0.5 owner=10.0.0.1
4 OFFICE<1c> special-group dynamic tombstone 10.0.0.5 10.0.0.6 owner=10.0.0.1
5 A,B<00> group released 10.0.0.7
problem 6: has no suffix like [20h] in the type or the name: "\"x\",\"NOSUFFIX\",\"File Server\",\"Active\",\"10.0.0.5\",\"10.0.0.1\""
problem 7: has no IPv4 address: "\"x\",\"NOADDRESS\",\"[20h] File Server\",\"Active\",\"\",\"10.0.0.1\""
problem 8: the name has more than 15 bytes: "\"x\",\"SIXTEENCHARACTER\",\"[20h] File Server\",\"Active\",\"10.0.0.5\",\"10.0.0.1\""
`},
	{"suffix behind the name, semicolons", Console, "Mapping;IP Address;S\nFILESRV[20h];10.0.0.5;*\nORDERS [00h];10.0.1.5 10.0.2.5;\n", `
2 FILESRV<20> unique static 10.0.0.5
3 ORDERS<00> multihomed dynamic 10.0.1.5 10.0.2.5
`},
	{"multihomed said, no column for static", Console, "Record Name\tType\tIP Address\nORDERS\t[00h] Multihomed\t10.0.1.5\nALL\t[20h] Internet Group\t10.0.1.5\n", `
2 ORDERS<00> multihomed 10.0.1.5
3 ALL<20> special-group 10.0.1.5
`},
}

func TestReadWinsdmp(t *testing.T) { runReadTests(t, winsdmpTests) }
func TestReadWinsDat(t *testing.T) { runReadTests(t, winsDatTests) }
func TestReadLDIF(t *testing.T)    { runReadTests(t, ldifTests) }
func TestReadNetsh(t *testing.T)   { runReadTests(t, netshTests) }
func TestReadConsole(t *testing.T) { runReadTests(t, consoleTests) }

// A record of endless attributes or values is cut, and the next one is read.
func TestReadLDIFBounds(t *testing.T) {
	in := "dn: x\nobjectClass: winsRecord\ntype: 0x20\nname: A\n" + strings.Repeat("address: 10.0.0.5\n", 400) +
		"\ndn: y\nobjectClass: winsRecord\ntype: 0x20\nname: B\nscope: x\n" + strings.Repeat(" "+strings.Repeat("y", 1000)+"\n", 20)
	l, err := Read("list", strings.NewReader(in))
	if err != nil || len(l.Entries) != 2 || len(l.Entries[0].Addresses) != maxAddresses || l.Entries[1].Scope != "" {
		t.Fatalf("%v, %v", l, err)
	}
	if n := len(l.Problems); n != 404-maxAttributes+1 {
		t.Errorf("%d problems", n)
	}
}

func fuzzRead(f *testing.F, tests []readTest, format Format) {
	for _, c := range tests {
		f.Add([]byte(c.in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		l, err := Read("list", strings.NewReader(string(in)))
		if err == nil && len(l.Entries) == 0 {
			t.Error("no entries and no error")
		}
		if l == nil {
			return
		}
		for _, e := range l.Entries {
			if e.Line < 1 || int(e.Line) > strings.Count(string(in), "\n")+1 || len(e.Addresses) > maxAddresses {
				t.Errorf("%+v", e)
			}
		}
		for _, p := range l.Problems {
			if p.Reason == "" || len(p.Text) > maxText {
				t.Errorf("%+v", p)
			}
		}
		if l.Format == format && len(l.Entries) > 5*len(in) {
			t.Errorf("%d entries out of %d bytes", len(l.Entries), len(in))
		}
	})
}

func FuzzReadLMHosts(f *testing.F) { fuzzRead(f, lmhostsTests, LMHOSTS) }
func FuzzReadWinsdmp(f *testing.F) { fuzzRead(f, winsdmpTests, WINSDMP) }
func FuzzReadWinsDat(f *testing.F) { fuzzRead(f, winsDatTests, WinsDat) }
func FuzzReadLDIF(f *testing.F)    { fuzzRead(f, ldifTests, LDIF) }
func FuzzReadNetsh(f *testing.F)   { fuzzRead(f, netshTests, Netsh) }
func FuzzReadConsole(f *testing.F) { fuzzRead(f, consoleTests, Console) }
