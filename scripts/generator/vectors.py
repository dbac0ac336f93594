def files(model, root):
    return {}
