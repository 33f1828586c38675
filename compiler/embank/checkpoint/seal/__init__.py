"""What makes a checkpoint whole, and proves it.

contents      the objects that a manifest covers
manifest      all of them with sizes and digests, written last
verification  everything read back, and compared with the manifest
"""
