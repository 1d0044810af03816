package replica

// CheckpointOften makes all networks of the process write checkpoints after so many bytes
// of log.
func CheckpointOften(bytes int64) { checkpointBytes = bytes }

// CheckpointNow writes a checkpoint as a clean stop does.
func (n *Network) CheckpointNow() {
	n.drive.Lock()
	defer n.drive.Unlock()
	finish, err := n.beginCheckpoint()
	if err != nil {
		n.checkpointFailed(err)
		return
	}
	finish()()
}
