package analyze

// LeftBehind counts frames that were never decoded because they carry nothing
// (wire.Quick says No); latestTime is the greatest of their times, ns. It is the
// same as decoding them, wherever among the others they came, but that the
// first frame of all must be decoded. It comes before Finish.
func (e *Engine) LeftBehind(frames, latestTime int64) {
	e.sum.Packets += frames
	e.end = max(e.end, min(latestTime, latest))
}
