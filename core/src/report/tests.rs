//! What all renderers have in common: texts of a file cannot become markup, and nothing is made of too little.
