"""What the editors share: Stable-Diffusion UNet hooks, the ID encoder, faces and photos.

Nothing is re-exported here; import the submodule that holds what you need, e.g. `from common.diffusion.pipeline import
FaceEditPipeline`.
"""
