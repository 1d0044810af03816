package spectest_test

func init() {
	describe("responding", "canister interface",
		row{"Responding", "an update replies", func(w *world) {
			w.update(w.canister(), do.Reply([]byte("hello"))).replies("hello")
		}},
		row{"Responding", "a reply is put together of pieces", func(w *world) {
			w.update(w.canister(), do.Give("a").Put(1).Give("b").Send()).replies("a\x01\x00\x00\x00\x00\x00\x00\x00b")
		}},
	)
}
