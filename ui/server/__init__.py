"""Code between the network and the page: access, request checks, uploads and queues."""
