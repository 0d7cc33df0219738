"""Models: glTF 2.0 and GLB (own parser, every byte checked), and OBJ, PLY and STL, as plain arrays.

Nothing here knows tilesets, coordinate systems or how a model is drawn.
"""

from viewer.readers.gltf.content import model_contents
from viewer.readers.gltf.model import Model, Part, read_gltf

__all__ = ["Model", "Part", "model_contents", "read_gltf"]
