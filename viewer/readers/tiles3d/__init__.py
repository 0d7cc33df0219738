"""3D Tiles 1.0 and 1.1 from local files as a streamed layer: tilesets, implicit tiling and all kinds of tiles.

What is drawn when, is the scene's; glTF models are read in ``viewer.readers.gltf``.
"""
