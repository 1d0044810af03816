package host

import "strings"

// certifiedCalls are certified data and its certificate.
var certifiedCalls = concat(
	[]systemCall{
		{name: "certified_data_set", params: sig(i32, i32), where: Init | PreUpgrade | Update | Reply | RejectCallback | Task, cost: costUsual, run: func(x *Execution, s []uint64) {
			data := x.copiedSmall(u32(s[0]), u32(s[1]), MaxCertified, "certified data")
			x.CertifiedData = &data
		}},
		number("data_certificate_present", i32, running, func(x *Execution) uint64 { return boolean(x.certificatePresent()) }),
	},
	blob("data_certificate", PlainQuery|CompositeQuery, func(x *Execution) []byte {
		if x.certificatePresent() {
			if c := x.Input.Certificate(); c != nil {
				return c
			}
		}
		x.trap(CodeContract, "there is no data certificate in this call")
		return nil
	}),
)

func (x *Execution) certificatePresent() bool {
	return x.Input.Certificate != nil && x.where&(PlainQuery|CompositeQuery) != 0
}

func toText(b []byte) string { return strings.ToValidUTF8(string(b), "\ufffd") }
