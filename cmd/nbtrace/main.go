// Command nbtrace reads NetBIOS Name Service traffic from captures,
// reconstructs what happened, and says what went wrong and why.
package main

import "os"

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
