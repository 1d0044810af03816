package text_test

import (
	"fmt"

	"assay/ic/candid/did"
	"assay/ic/candid/text"
)

func Example() {
	program, err := did.Parse(`service : { withdraw : (record { to : principal; amount : nat }) -> () }`)
	if err != nil {
		panic(err)
	}
	msg, err := text.ParseArgs(program, "withdraw", `(record { to = principal "aaaaa-aa"; amount = 5_000 })`)
	if err != nil {
		panic(err)
	}
	fmt.Println(len(msg), "bytes")
	printed, err := text.PrintArgs(program, "withdraw", msg)
	fmt.Println(printed, err)

	_, err = text.ParseArgs(program, "withdraw", `(record { to = principal "aaaaa-aa"; amuont = 5 })`)
	fmt.Println(err)
	// Output:
	// 23 bytes
	// (record { to = principal "aaaaa-aa"; amount = 5_000 }) <nil>
	// value 1: no field is called amuont
}
