package commitment

// Evidence words, weakest first. They are the only words in which Assay speaks of what
// is known about a result; "verified" alone is never one of them.
const (
	Signed       = "signed"        // the call came from the provider's registered worker key
	Agreed       = "agreed"        // k independent commits were equal
	WindowClosed = "window closed" // nobody challenged inside the window
	Audited      = "audited"       // drawn for audit at a named rate and found right
	Replayed     = "replayed"      // the referee computed the same
	Proved       = "proved"        // a proof was checked
	Attested     = "attested"      // hardware evidence; beside the line, never a stronger word
)

// Claim is an evidence word with what it names, in text: "2 commits of 2 operators".
type Claim struct{ Word, Detail string }

// Share is money that a receipt accounts for.
type Share struct {
	Account string // "provider", "royalty", "treasury", "refund"
	Owner   []byte // raw principal, empty for the treasury
	Cycles  string // decimal
}

// Receipt says what became of a job. Its hash is the value under /receipts/<job>.
type Receipt struct {
	Network    Hash
	Job        JobID
	Requester  []byte // raw principal
	Model      Hash
	Input      Hash
	Parameters Hash
	Output     Hash // zero when there is none
	State      string
	Executors  [][]byte // raw principals of the worker keys that delivered
	Evidence   []Claim
	Price      string // decimal cycles
	Shares     []Share
	Submitted  uint64 // ns since 1970
	Settled    uint64
	Window     uint64 // ns, the challenge window that was in force
}

// Sum is the receipt's hash.
func (r Receipt) Sum() Hash {
	p := NewPreimage("assay/receipt/1").Bytes(r.Network[:]).Text(r.Job.Market).Uint(r.Job.Seq).Bytes(r.Requester).
		Bytes(r.Model[:]).Bytes(r.Input[:]).Bytes(r.Parameters[:]).Bytes(r.Output[:]).Text(r.State)
	p.Uint(uint64(len(r.Executors)))
	for _, e := range r.Executors {
		p.Bytes(e)
	}
	p.Uint(uint64(len(r.Evidence)))
	for _, c := range r.Evidence {
		p.Text(c.Word).Text(c.Detail)
	}
	p.Text(r.Price).Uint(uint64(len(r.Shares)))
	for _, s := range r.Shares {
		p.Text(s.Account).Bytes(s.Owner).Text(s.Cycles)
	}
	return p.Uint(r.Submitted).Uint(r.Settled).Uint(r.Window).Sum()
}
