package exchange

import "nbtrace/analyze/prefetch"

// queue are the open exchanges that wait for one and the same time, in the
// order in which they began to wait. The clock does not go back, so that is
// the order in which they are due. One that no longer waits leaves its place
// empty.
type queue struct {
	places []turn // a power of two, or none
	head   int    // the front, counted without end; not empty unless all are
	end    int    // behind the last one
	count  int    // of places that are not empty
}

type turn struct {
	due int64
	x   *Exchange
}

const leastTurns = 64

func (q *queue) at(i int) *turn { return &q.places[i&(len(q.places)-1)] }

func (q *queue) empty() bool { return q.count == 0 }

// front is the one that is due first; there must be one.
func (q *queue) front() *turn { return q.at(q.head) }

// ahead is the n-th behind the front, nil if there is none or its place is empty.
func (q *queue) ahead(n int) *Exchange {
	if q.head+n >= q.end {
		return nil
	}
	return q.at(q.head + n).x
}

func (q *queue) add(x *Exchange) {
	if q.end-q.head == len(q.places) {
		q.makeRoom()
	}
	x.turn = q.end
	*q.at(q.end) = turn{x.deadline, x}
	q.end++
	q.count++
}

func (q *queue) remove(x *Exchange) {
	q.at(x.turn).x = nil
	q.count--
	for q.head < q.end && q.front().x == nil {
		q.head++
	}
}

// makeRoom makes twice as many places, or closes up the empty ones if at least
// half of them are.
func (q *queue) makeRoom() {
	old := *q
	if q.count*2 > len(q.places) || len(q.places) == 0 {
		q.places = make([]turn, max(2*len(q.places), leastTurns))
	}
	q.end, q.count = q.head, 0
	for i := old.head; i < old.end; i++ {
		if x := old.at(i).x; x != nil {
			q.add(x)
		}
	}
}

// list appends those that wait, the first one first.
func (q *queue) list(to []*Exchange) []*Exchange {
	for i := q.head; i < q.end; i++ {
		if x := q.at(i).x; x != nil {
			to = append(to, x)
		}
	}
	return to
}

// Fetch asks for the memory of the exchange itself.
func (x *Exchange) Fetch() { prefetch.Object(x) }

// FetchAnswers asks for the memory of the first answer and frames.
func (x *Exchange) FetchAnswers() {
	prefetch.Elements(x.Answers, 1)
	prefetch.Elements(x.frames, 2)
}
