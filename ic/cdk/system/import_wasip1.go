//go:build wasip1

package system

import "unsafe"

//go:wasmimport ic0 msg_arg_data_size
func msgArgDataSize() uint32

//go:wasmimport ic0 msg_arg_data_copy
func msgArgDataCopy(dst unsafe.Pointer, offset, size uint32)

//go:wasmimport ic0 msg_caller_size
func msgCallerSize() uint32

//go:wasmimport ic0 msg_caller_copy
func msgCallerCopy(dst unsafe.Pointer, offset, size uint32)

//go:wasmimport ic0 msg_reject_code
func msgRejectCode() uint32

//go:wasmimport ic0 msg_reject_msg_size
func msgRejectMsgSize() uint32

//go:wasmimport ic0 msg_reject_msg_copy
func msgRejectMsgCopy(dst unsafe.Pointer, offset, size uint32)

//go:wasmimport ic0 msg_deadline
func msgDeadline() uint64

//go:wasmimport ic0 msg_reply_data_append
func msgReplyDataAppend(src unsafe.Pointer, size uint32)

//go:wasmimport ic0 msg_reply
func msgReply()

//go:wasmimport ic0 msg_reject
func msgReject(src unsafe.Pointer, size uint32)

//go:wasmimport ic0 msg_cycles_available128
func msgCyclesAvailable(dst unsafe.Pointer)

//go:wasmimport ic0 msg_cycles_accept128
func msgCyclesAccept(hi, lo uint64, dst unsafe.Pointer)

//go:wasmimport ic0 msg_cycles_refunded128
func msgCyclesRefunded(dst unsafe.Pointer)

//go:wasmimport ic0 canister_cycle_balance128
func canisterCycleBalance(dst unsafe.Pointer)

//go:wasmimport ic0 canister_liquid_cycle_balance128
func canisterLiquidBalance(dst unsafe.Pointer)

//go:wasmimport ic0 canister_self_size
func canisterSelfSize() uint32

//go:wasmimport ic0 canister_self_copy
func canisterSelfCopy(dst unsafe.Pointer, offset, size uint32)

//go:wasmimport ic0 canister_status
func canisterStatus() uint32

//go:wasmimport ic0 canister_version
func canisterVersion() uint64

//go:wasmimport ic0 time
func now() uint64

//go:wasmimport ic0 env_var_name_exists
func envVarNameExists(name unsafe.Pointer, nameSize uint32) uint32

//go:wasmimport ic0 env_var_value_size
func envVarValueSize(name unsafe.Pointer, nameSize uint32) uint32

//go:wasmimport ic0 env_var_value_copy
func envVarValueCopy(name unsafe.Pointer, nameSize uint32, dst unsafe.Pointer, offset, size uint32)

//go:wasmimport ic0 msg_method_name_size
func msgMethodNameSize() uint32

//go:wasmimport ic0 msg_method_name_copy
func msgMethodNameCopy(dst unsafe.Pointer, offset, size uint32)

//go:wasmimport ic0 accept_message
func acceptMessage()

//go:wasmimport ic0 call_new
func callNew(callee unsafe.Pointer, calleeSize uint32, name unsafe.Pointer, nameSize, replyFun, replyEnv, rejectFun, rejectEnv uint32)

//go:wasmimport ic0 call_on_cleanup
func callOnCleanup(fun, env uint32)

//go:wasmimport ic0 call_data_append
func callDataAppend(src unsafe.Pointer, size uint32)

//go:wasmimport ic0 call_cycles_add128
func callCyclesAdd(hi, lo uint64)

//go:wasmimport ic0 call_with_best_effort_response
func callBestEffort(seconds uint32)

//go:wasmimport ic0 cost_call
func costCall(name, arg uint64, dst unsafe.Pointer)

//go:wasmimport ic0 call_perform
func callPerform() uint32

//go:wasmimport ic0 stable64_size
func stableSize() uint64

//go:wasmimport ic0 stable64_grow
func stableGrow(pages uint64) uint64

//go:wasmimport ic0 stable64_write
func stableWrite(offset, src, size uint64)

//go:wasmimport ic0 stable64_read
func stableRead(dst, offset, size uint64)

//go:wasmimport ic0 root_key_size
func rootKeySize() uint32

//go:wasmimport ic0 root_key_copy
func rootKeyCopy(dst unsafe.Pointer, offset, size uint32)

//go:wasmimport ic0 certified_data_set
func certifiedDataSet(src unsafe.Pointer, size uint32)

//go:wasmimport ic0 data_certificate_present
func dataCertificatePresent() uint32

//go:wasmimport ic0 data_certificate_size
func dataCertificateSize() uint32

//go:wasmimport ic0 data_certificate_copy
func dataCertificateCopy(dst unsafe.Pointer, offset, size uint32)

//go:wasmimport ic0 global_timer_set
func globalTimerSet(at uint64) uint64

//go:wasmimport ic0 performance_counter
func performanceCounter(kind uint32) uint64

//go:wasmimport ic0 is_controller
func isController(src unsafe.Pointer, size uint32) uint32

//go:wasmimport ic0 in_replicated_execution
func inReplicatedExecution() uint32

//go:wasmimport ic0 debug_print
func debugPrint(src unsafe.Pointer, size uint32)

//go:wasmimport ic0 trap
func trap(src unsafe.Pointer, size uint32)
