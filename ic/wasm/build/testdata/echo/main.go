// Command echo is a canister with nothing but raw system calls, to try the linker on.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"
	"unsafe"
)

//go:wasmimport ic0 msg_arg_data_size
func argSize() uint32

//go:wasmimport ic0 msg_arg_data_copy
func argCopy(dst unsafe.Pointer, offset, size uint32)

//go:wasmimport ic0 msg_reply_data_append
func replyAppend(src unsafe.Pointer, size uint32)

//go:wasmimport ic0 msg_reply
func reply()

var (
	count int
	table = map[string]int{"init": 1}
	lock  sync.Mutex
)

//go:wasmexport canister_init
func start() { fmt.Println("hello from init") }

// The Candid hashes of the method names.
const (
	echo     = 1124992741
	grow     = 1147919379
	sleep    = 2126822679
	deadlock = 1679035535
	crash    = 1280294887
	exit     = 1126037278
)

func arg() []byte {
	b := make([]byte, argSize())
	if len(b) > 0 {
		argCopy(unsafe.Pointer(&b[0]), 0, uint32(len(b)))
	}
	return b
}

func answer(b []byte) {
	if len(b) > 0 {
		replyAppend(unsafe.Pointer(&b[0]), uint32(len(b)))
	}
	reply()
}

//go:wasmexport cdk_update
func update(method uint32) {
	count++
	switch method {
	case echo:
		answer(arg())
	case grow:
		churn()
		answer(fmt.Append(nil, count))
	case sleep:
		time.Sleep(time.Second) //cdk:sleeps the tests want to see it trap
	case deadlock:
		lock.Lock()
		lock.Lock()
	case crash:
		var none map[string]int
		fmt.Fprint(os.Stderr, "before the crash")
		none["x"] = 1
	case exit:
		os.Exit(3)
	default:
		panic("unknown method")
	}
}

// churn makes garbage, collections, timers and goroutines, none of which may wait.
func churn() {
	done := make(chan int)
	for i := range 8 {
		go func() {
			var keep [][]byte
			for j := range 64 {
				keep = append(keep, make([]byte, 16<<10))
				table[fmt.Sprint(i, j)] = len(keep)
				runtime.Gosched()
			}
			done <- len(keep)
		}()
	}
	for range 8 {
		<-done
	}
	runtime.GC()
	t := time.AfterFunc(time.Hour, func() {}) //cdk:sleeps nothing waits for it
	runtime.Gosched()
	t.Stop()
}

//go:wasmexport cdk_query
func query(uint32) { answer(fmt.Append(nil, count)) }

//go:wasmexport cdk_reply
func onReply(env uint32) { count += int(env) }

//go:wasmexport cdk_reject
func onReject(uint32) {}

//go:wasmexport cdk_cleanup
func onCleanup(uint32) {}

func main() {}
