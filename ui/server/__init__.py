"""What stands between the network and the page: who may send what, and who waits."""
