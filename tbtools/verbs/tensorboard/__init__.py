"""``serve --tensorboard``: stock TensorBoard with tbtools in the place of its loader.

Its modules import ``tensorboard``, an extra, or work for those that do: nothing else imports them.
"""
