"""Faces in photos: finding them, choosing one, cutting it out and laying it back.

from common.faces import Crop, choose_face, get_detector

face = choose_face(get_detector().find(photo), "largest")
crop = Crop.around(face.box, (photo.shape[1], photo.shape[0]), turns=face.turns)
picture, face_in_crop = crop.apply(photo), face.mapped(crop.matrix)
"""

from .crop import Crop
from .detectors import available_detectors, get_detector
from .face import Face, FaceDetector, choose_face

__all__ = ["Crop", "Face", "FaceDetector", "available_detectors", "choose_face", "get_detector"]
