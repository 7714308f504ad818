package main

// apply does nothing: Npcap's driver settles who may capture.
func (c *confinement) apply() (string, error) { return "", nil }

// setcapLine is empty where there are no capabilities.
func setcapLine() string { return "" }
