import ELTReport
