package host

// certifiedCalls are certified data and its certificate.
var certifiedCalls = concat(
	[]systemCall{
		{name: "certified_data_set", params: sig(i32, i32), where: Init | PreUpgrade | Update | Reply | RejectCallback | Task, cost: costUsual, run: func(x *Execution, s []uint64) {
			if size := u32(s[1]); size > MaxCertified {
				x.violate("ic0_certified_data_set failed because the passed data must be no larger than %d bytes. Found %d bytes.", MaxCertified, size)
			}
			data := x.copied(u32(s[0]), u32(s[1]))
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
		x.violate("ic0.%s: there is no data certificate in this call", x.call)
		return nil
	}),
)

func (x *Execution) certificatePresent() bool {
	return x.Input.Certificate != nil && x.where&(PlainQuery|CompositeQuery) != 0
}
