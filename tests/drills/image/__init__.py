"""Build the image and run it as compose.yaml does: `python -m tests.drills.image`.

- ``base``: a base image made of Debian packages, where no registry is
- ``container``: build with buildah, run with runc on a read-only root
"""
