"""What a saved picture says of itself: that it is synthetic, how it was made, and how to repeat it.

recipe       how a picture was made, as plain values; it travels in the `info` of a PIL image
weights      which model, and the hashes of its files
xmp          the packet of metadata in PNG, JPEG and WebP files
watermark    32 bits in the pixels that are invisible, for when the metadata are gone
credentials  C2PA content credentials, signed with the user's own certificate
picture      all of these into a file
verify       all of these out of a file
"""
