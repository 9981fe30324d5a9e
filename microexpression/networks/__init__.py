"""Four published systems, each as its paper has it.

ststnet     STSTNet: three shallow streams on one flow image
rcn         RCN-A, S, W, P, C, F, and others whose parts are chosen by gradient
elrcn       ELRCN: VGG-16 on each flow image, an LSTM over them
infusenet   InfuseNet: flow gates magnified motion, layer by layer
magnifier   learned motion magnification
released    weights in their authors' files
"""
