"""Faces in photos: finding them, choosing one, cutting it out and laying it back.

from common.faces import Crop, choose_face, get_finder

face = choose_face(get_finder().find(photo), "largest")
crop = Crop.around(face.box, (photo.shape[1], photo.shape[0]), turns=face.turns)
picture, face_in_crop = crop.apply(photo), face.mapped(crop.matrix)
"""

from .crop import Crop
from .detectors import available_finders, get_finder
from .face import Face, FaceFinder, choose_face

__all__ = ["Crop", "Face", "FaceFinder", "available_finders", "choose_face", "get_finder"]
