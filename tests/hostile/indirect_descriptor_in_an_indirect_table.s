# The same, with another indirect descriptor inside, that refers to its own table.
.include "guest.inc"

image "indirect_descriptor_in_an_indirect_table"
    descriptor buffer, 0, buffer, 16, INDIRECT
    descriptor transmit_descriptors, 0, buffer, 16, INDIRECT
    transmit 0
    exit
