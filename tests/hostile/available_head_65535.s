# The available ring names the last descriptor that can be named.
.include "guest.inc"

image "available_head_65535"
    transmit 65535
    exit
