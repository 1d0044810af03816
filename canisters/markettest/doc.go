// Package markettest holds the tests of the canisters together: the real modules of
// root, dao, market, vectors and dapp on the embedded network, with providers, members
// and users played by the test, under a clock that the test moves. `go test` calls it;
// it is the place for what no single canister's tests can show, such as a vote that
// admits a provider or an upgrade with open jobs. The daemon, the agent and HTTP are
// left to the tests of cmd/assay.
package markettest
