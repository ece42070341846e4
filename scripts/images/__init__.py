"""What `scripts/check_images.py` needs: stand-in base images, buildah, containers and checks."""
