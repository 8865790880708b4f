print("elt")
