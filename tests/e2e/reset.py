"""Becomes another program, whose STDIN is a connection that the other side has reset.

Its arguments are the command."""

import os
import socket
import struct
import sys

listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
server, _ = listener.accept()
# To close it at once, with nothing that was sent waited for, is to reset it.
client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
client.close()
os.dup2(server.fileno(), 0)
os.execv(sys.argv[1], sys.argv[1:])
