"""Advice by example: what is typed, what is underlined, what is said, and the way out."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop_grammar.errors import nearest, shorten, visible
from backprop_grammar.language.advice import SLIPS
from backprop_grammar.language.calls import SYNONYMS
from backprop_grammar.language.characters import MEANT, PLAIN, RESEMBLES
from tests.support import FUNCTIONS, BackpropError, as_text, often, parsed

LONGEST = 1500
"""Characters of an error as it is drawn."""

ADVICE = (
    # program, kind, what is underlined, the message, the hint; the last two in part
    # nothing to compute
    ("", "syntax", None, "the program is empty", "write a formula"),
    (" \n\t\r\n", "syntax", None, "the program is empty", "write a formula"),
    ("# only a comment", "syntax", None, "the program is empty", "write a formula"),
    (";;", "syntax", None, "the program is empty", "write a formula"),
    ("\ufeff", "syntax", None, "the program is empty", "write a formula"),
    ("x; y", "syntax", "x", "only the last stage may go without a name", "q = ..."),
    # operands missing
    ("x=", "syntax", "=", "nothing stands after =", "after ="),
    ("x = ; y", "syntax", "=", "nothing stands after =", "after ="),
    ("f(u) =", "syntax", "=", "nothing stands after =", "after ="),
    ("x +", "syntax", "+", "nothing stands after +", "after +"),
    ("x + # more\n", "syntax", "+", "nothing stands after +", "after +"),
    ("x --", "syntax", "-", "nothing stands after -", "after -"),
    ("-", "syntax", "-", "nothing stands after -", "after -"),
    ("(x*)", "syntax", "*", "nothing stands after *", "after *"),
    ("max(x, y^)", "syntax", "^", "nothing stands after ^", "after ^"),
    ("x**", "syntax", "**", "nothing stands after **", "after **"),
    ("*x", "syntax", "*", "* has nothing on its left", "before *"),
    ("q = /x", "syntax", "/", "/ has nothing on its left", "before /"),
    ("sin(^x)", "syntax", "^", "^ has nothing on its left", "before ^"),
    ("x; *y", "syntax", "*", "* has nothing on its left", "before *"),
    ("x ^ ^ y", "syntax", "^ ^", "nothing stands between ^ and ^", "remove one"),
    ("x+*y", "syntax", "+*", "nothing stands between + and *", "remove one"),
    ("x***y", "syntax", "***", "nothing stands between ** and *", "remove one"),
    ("max(,x)", "syntax", "(,", "an operand is missing before the comma", "between ( and ,"),
    ("max(x,,y)", "syntax", ",,", "an operand is missing before the comma", "between , and ,"),
    ("max(x, )", "syntax", ", )", "an operand is missing after the comma", "between , and )"),
    ("max()", "syntax", "max()", "max() has no operands", "write max(x, y, ...)"),
    ("f(u, v) = u; f()", "syntax", "f()", "f() has no operands", "write f(u, v)"),
    ("foo()", "syntax", "foo()", "foo() has no operands", "write foo(x)"),
    ("2*()", "syntax", "()", "nothing stands between the parentheses", "between them"),
    # side by side
    ("2 (x)", "syntax", "2 (", "a number next to a parenthesis", "write 2*(...)"),
    ("(a) (b)", "syntax", ") (", "a parenthesis next to another", "write )*("),
    ("(x)2", "syntax", ")2", "a parenthesis next to 2", "write )*2"),
    ("2j", "syntax", "2j", "a number next to j", "write 2*j"),
    ("sin 2x", "syntax", "sin 2x", "sin next to 2*x", "write sin(2*x)"),
    ("sin 2*x", "syntax", "sin 2*x", "sin next to 2*x", "write sin(2*x)"),
    ("2 x", "syntax", "2 x", "a number next to x", "write 2*x"),
    ("x y", "syntax", "x y", "x next to y", "write x*y"),
    ("x sin(x)", "syntax", "x sin", "x next to sin", "write x*sin(...)"),
    ("sin cos(x)", "syntax", "sin cos", "sin next to cos", "write sin(cos(...))"),
    ("max(x sin(y), 1)", "syntax", "x sin", "x next to sin", "write x*sin(...); to separate operands, x, sin(...)"),
    ("x*xsin(x)", "name", "xsin", "there is no function xsin", "write x*sin(...)"),
    ("a*alog(a)", "name", "alog", "there is no function alog", "write a*log(...)"),
    ("sigma x", "syntax", "sigma x", "sigma next to x", "write sigma*x; for the function, sigma(x)"),
    ("(x + 1)!", "syntax", "!", "! is not part of the language", "a factorial is gamma(x + 1)"),
    ("y <- w*x", "syntax", "<-", "<- is not part of the language", "write = for a stage"),
    ("x^½y", "syntax", "½y", "after an exponent has two meanings", "write ^(1/2*y) or ^(1/2)*y"),
    ("2**½(x)", "syntax", "½(", "after an exponent has two meanings", "write ^(1/2*(...)) or ^(1/2)*(...)"),
    ("x + 3e₁", "syntax", "3e₁", "3e₁ looks like a number", "write 3*e1"),
    ("x == 3", "syntax", "==", "a comparison outside if(...)", "if(x > 0, a, b)"),
    ("y = x == 3", "syntax", "==", "a comparison outside if(...)", "if(x > 0, a, b)"),
    ("== 3", "syntax", "==", "== has nothing on its left", "before =="),
    ("d(x^2)/dx", "name", "d", "no program computes a derivative", "the formula alone"),
    ("d(x^2)*x", "name", "d", "there is no function d", "write d*(x^2)"),
    ("x = 1\\nx^2", "syntax", "\\n", "\\n in quotes is no new line", "separate stages with ;"),
    ("\\nu*x", "syntax", "\\nu", "not written in LaTeX", "without backslashes"),
    ("x.exp()", "syntax", "x.exp", "x.exp is not part of the language", "a function stands before its operand"),
    ("np.inf*x", "syntax", "np.inf", "np.inf is not part of the language", "between a library and a function"),
    ("print(x)", "name", "print", "there is no function print", "write only the expression"),
    ("ReLU()", "syntax", "ReLU()", "ReLU() has no operands", "write relu(x)"),
    ("sigma = x; y*sigma(x)", "name", "sigma", "sigma is not a function", "for the function, sigmoid(...)"),
    ("x 2", "syntax", "x 2", "x next to 2", "write x*2"),
    ("exp x", "syntax", "exp x", "exp next to x", "write exp(x)"),
    ("f(u) = u; f 2", "syntax", "f 2", "f next to 2", "write f(2)"),
    ("max(x y)", "syntax", "x y", "x next to y", "write x*y; to separate operands, x, y"),
    ("(a) b", "syntax", ") b", "a parenthesis next to b", "write )*b"),
    ("sin(x)2", "syntax", ")2", "a parenthesis next to 2", "write )*2"),
    ("3 4", "syntax", "3 4", "two numbers side by side: 3 and 4", "such as 3*4"),
    ("x = 3 y = 4", "syntax", "y", "a stage begins at y", "separate stages with ; or a new line"),
    ("x = (3) f(u) = u", "syntax", "f", "a stage begins at f", "separate stages with ;"),
    ("q = x*y z = 2", "syntax", "z", "a stage begins at z", "separate stages with ;"),
    ("foo bar baz", "syntax", "foo bar", "foo next to bar", "write foo*bar"),
    # two meanings
    ("1/2x", "syntax", "1/2x", "after a quotient has two meanings", "write 1/(2*x) or (1/2)*x"),
    ("y + 1/2*3x", "syntax", "1/2*3x", "after a quotient", "write 1/(2*3*x) or (1/2*3)*x"),
    ("2x/3(y+1)", "syntax", "2x/3(y+1)", "after a quotient", "write 2*x/(3*(y + 1)) or (2*x/3)*(y + 1)"),
    ("1/sin(x)cos(x)", "syntax", "1/sin(x)cos(x)", "after a quotient", "write 1/(sin(x)*cos(x)) or (1/sin(x))*cos(x)"),
    ("a*x^2y", "syntax", "x^2y", "after an exponent has two meanings", "write x^(2*y) or (x^2)*y"),
    ("2**3x", "syntax", "2**3x", "after an exponent", "write 2^(3*x) or (2^3)*x"),
    ("e^2x", "syntax", "e^2x", "after an exponent", "write e^(2*x) or (e^2)*x"),
    ("x^-2(y)", "syntax", "x^-2(y)", "after an exponent", "write x^(-2*y) or (x^-2)*y"),
    ("x^sin(y)z", "syntax", "x^sin(y)z", "after an exponent", "write x^(sin(y)*z) or (x^sin(y))*z"),
    ("1½", "syntax", "1½", "1½ has two meanings", "write 1 + 1/2 or 1*(1/2)"),
    ("√2x", "syntax", "√2x", "this root has two meanings", "write sqrt(2)*x or sqrt(2*x)"),
    ("√x^2", "syntax", "√x^2", "this root has two meanings", "write sqrt(x)^2 or sqrt(x^2)"),
    ("√x²", "syntax", "√x²", "this root has two meanings", "write sqrt(x)^2 or sqrt(x^2)"),
    ("x²^3", "syntax", "²^3", "a power of a power has two meanings", "write (x^2)^3 or x^(2^3)"),
    ("|x|y|z|", "syntax", "|x|y|z|", "paired in two ways", "write abs(x)"),
    ("1/2πr² + 1", "syntax", "1/2πr²", "after a quotient", "write 1/(2*pi*r^2) or (1/2)*pi*r^2"),
    ("PI()*x", "syntax", "PI()", "PI is a number, not a function", "without parentheses: pi"),
    ("np.mean(x, 0)", "syntax", "np.mean", "np.mean takes an array", "write mean(x, y, ...)"),
    ("tf.nn.leaky_relu(x)", "syntax", "tf.nn.leaky_relu", "has another default", "write leaky_relu(x, 0.2)"),
    # calls of what is no function
    ("x(2)", "name", "x", "there is no function x", "to multiply, write x*2"),
    ("x*y + x(y+1)", "name", "x", "x is not a function", "to multiply, write x*(y + 1)"),
    ("q = x; q(2)", "name", "q", "q is not a function", "to multiply, write q*2"),
    ("f(u) = u(2); f(x)", "name", "u", "u is not a function", "to multiply, write u*2"),
    ("pi(2)", "name", "pi", "pi is not a function", "to multiply, write pi*2"),
    ("e(x)", "name", "e", "e is a number", "write exp(...), or e*x to multiply"),
    ("sigma = 2; sigma(x)", "name", "sigma", "sigma is not a function", "to multiply, write sigma*x"),
    ("(x - μ)/σ + σ(x)", "name", "σ", "sigma is not a function", "to multiply, write sigma*x"),
    ("square(u) = square(u)", "name", "square", "square calls itself", "no recursion"),
    ("np.exp x", "syntax", "np.exp x", "exp next to x", "write exp(x)"),
    ("x*np.exp", "name", "np.exp", "exp is a function", "write exp(...)"),
    ("a/b(c)", "name", "b", "there is no function b", "to multiply, write a/(b*c) or (a/b)*c"),
    ("(1 + a*b/c(x + 1))", "name", "c", "no function c", "write a*b/(c*(x + 1)) or (a*b/c)*(x + 1)"),
    ("sin(x)^y(z)", "name", "y", "no function y", "write sin(x)^(y*z) or (sin(x)^y)*z"),
    ("sigmoyd(x)", "name", "sigmoyd", "there is no function sigmoyd", "did you mean sigmoid?"),
    ("Sin(x)", "name", "Sin", "there is no function Sin", "did you mean sin?"),
    ("factorial(x)", "name", "factorial", "there is no function", "did you mean gamma(x + 1)?"),
    ("sig(x)", "name", "sig", "there is no function", "did you mean sigmoid?"),
    ("relu_6(x)", "name", "relu_6", "there is no function", "did you mean relu6?"),
    ("zeta(x)", "name", "zeta", "there is no function zeta", "write it as a formula, or zeta*x"),
    ("glu(x, y)", "name", "glu", "there is no function glu", "write it as a formula"),
    ("softmaxx(x, y)", "name", "softmaxx", "there is no function", "mean exp(x - logsumexp(x, y))?"),
    ("LeakyReLU(x)", "name", "LeakyReLU", "there is no function", "did you mean leaky_relu?"),
    ("root(x, 3)", "name", "root", "there is no function root", "write sqrt(x), cbrt(x), or x^(1/n)"),
    ("log(x, 2)", "arity", "log(x, 2)", "log takes 1 operand, not 2", "write log2(x), log10(x), or log(x)/log(b)"),
    ("square(x, 2)", "arity", "square(x, 2)", "square takes 1 operand, not 2", "write square(x)"),
    ("np.quux(x)", "name", "np.quux", "there is no function quux", "write it as a formula"),
    ("Σ(x, y)", "name", "Σ", "there is no function Sigma", "write sum(x, y, ...)"),
    # derivatives
    ("d/dx(x^2)", "name", "dx", "no program computes a derivative", "its derivatives are what is printed"),
    ("grad(x^2)", "name", "grad", "no program computes a derivative", "its derivatives are what is printed"),
    ("y = sin(x); dy/dx", "syntax", "dy/dx", "a derivative is not part", "its derivatives are what is printed"),
    ("f'(x)", "syntax", "f'", "f' is not part of the language", "its derivatives are what is printed"),
    ("∂y/∂x", "syntax", "∂", "∂ (partial differential)", "its derivatives are what is printed"),
    ("softmax(x, y)", "name", "softmax", "there is no function", "did you mean exp(x - logsumexp(x, y))?"),
    ("trunc(x)", "name", "trunc", "there is no function", "did you mean sign(x)*floor(abs(x))?"),
    ("fmod(x, y)", "name", "fmod", "there is no function", "did you mean sign(x)*mod(abs(x), abs(y))?"),
    ("remainder(x, y)", "name", "remainder", "there is no function", "did you mean mod?"),
    ("hardswish(x)", "name", "hardswish", "there is no function", "did you mean x*relu6(x + 3)/6?"),
    ("loss1(u) = u; los1(x)", "name", "los1", "there is no function", "did you mean loss1?"),
    ("sin2(x)", "name", "sin2", "there is no function sin2", "did you mean sin(x)^2?"),
    ("log3(x)", "name", "log3", "there is no function log3", "did you mean log(x)/log(3)?"),
    ("log_2(x)", "name", "log_2", "there is no function log_2", "did you mean log2?"),
    ("iff(x, 1, 2)", "name", "iff", "there is no function iff", "did you mean if?"),
    ("quibble(x)", "name", "quibble", "there is no function quibble", "or quibble*x to multiply"),
    ("sin^2(x)", "name", "sin", "sin is a function", "write sin(x)^2"),
    ("sin^-1(x)", "name", "sin", "sin is a function", "write asin(x) for the inverse"),
    ("exp**2*x", "name", "exp", "exp is a function", "write exp(2)"),
    ("exp^x", "name", "exp", "exp is a function", "write exp(x)"),
    ("sin²(x)", "name", "sin", "sin is a function", "write sin(x)^2"),
    ("sin⁻¹(x)", "name", "sin", "sin is a function", "write asin(x) for the inverse"),
    ("2*sin", "name", "sin", "sin is a function", "write sin(...)"),
    ("f(u) = u; f + 1", "name", "f", "f is a function", "write f(...)"),
    ("max(sin, x)", "name", "sin", "sin is a function", "write sin(...)"),
    ("exp(x, y)", "arity", "exp(x, y)", "exp takes 1 operand, not 2", "write exp(x)"),
    ("max()", "syntax", "max()", "max() has no operands", "write max(x, y, ...)"),
    ("pow(x)", "arity", "pow(x)", "pow takes 2 operands, not 1", "write x^y"),
    ("leaky_relu(x,y,z)", "arity", "leaky_relu(x,y,z)", "takes 1 or 2 operands, not 3", "leaky_relu(x, a"),
    ("f(u) = u; f(x, y)", "arity", "f(x, y)", "f takes 1 operand, not 2", "write f(u)"),
    # definitions
    ("f(2) = x", "syntax", "f(2)", "does not define a function", "square(u) = u*u"),
    ("f(x+1) = x", "syntax", "f(x+1)", "does not define a function", "names only"),
    ("f(sin(x), 2) = x", "syntax", "f(sin(x), 2)", "does not define a function", "names only"),
    ("f() = 3", "syntax", "f()", "a function without parameters", "name = ..."),
    ("f(u) = u*w", "name", "w", "w is not a parameter of f", "f(u, w) = ..."),
    ("w = 2; f(u) = u*w; f(x)", "name", "w", "w is not a parameter of f", "f(u, w) = ..."),
    ("f(width) = 2*widht", "name", "widht", "widht is not a parameter", "did you mean width?"),
    ("f(u, u) = u", "name", "u", "two parameters are called u", "a name of its own"),
    ("f(u) = u; g(f) = f", "name", "f", "f is the name of a function", "the parameter"),
    ("f(u) = u*f(u - 1)", "name", "f", "f calls itself", "no recursion"),
    ("f(u) = g(u); g(u) = f(u); f(x)", "name", "g", "g and f call each other", "no recursion"),
    ("f(u)=g(u); g(u)=h(u); h(u)=f(u); f(x)", "name", "g", "g and f call each other", "no recursion"),
    ("y = f(x); f(u) = u", "name", "f", "f is used before it is defined", "move f(...) = ... up"),
    ("f(u) = g(u); g(u) = u; f(x)", "name", "g", "g is used before it is defined", "up"),
    ("x*2; x(u) = u", "name", "x", "x is a variable already", "call the function something else"),
    ("f(u) = u; f(v) = v", "name", "f", "f is assigned twice", "use a new one"),
    ("f(u) = u; f = 3", "name", "f", "f is assigned twice", "use a new one"),
    # stages
    ("x = 3; x = 4", "name", "x", "x is assigned twice", "use a new one"),
    ("y = x*2; x = 3", "name", "x", "x is used before it is assigned", "move the stage x = ... up"),
    ("x = x + 1", "name", "x", "x is computed from itself", "such as x_1"),
    ("a = b = c", "syntax", "=", "a second = in one stage", "one name per stage"),
    ("f(u) = v = u", "syntax", "=", "a second = in one stage", "one name per stage"),
    ("= 3", "syntax", "=", "= has no name before it", "name = expression"),
    ("2 = x", "syntax", "2", "what stands before = is not a name", "name = expression"),
    ("x^2 + y^2 = 1", "syntax", "x^2 + y^2", "is not a name", "bring all to one side"),
    ("f(x=3)", "syntax", "=", "= inside parentheses", "operands go without names"),
    ("x := 3", "syntax", ":=", ":= is not part of the language", "write ="),
    ("f(x) := x", "syntax", ":=", ":= is not part of the language", "write ="),
    ("x += 1", "syntax", "+=", "there is no +=", "y = x + 1"),
    ("let x = 3", "syntax", "let", "let is not part of the language", "x = 3"),
    ("return x", "syntax", "return", "return is not part of the language", "write only its expression"),
    ("def f(x): x", "syntax", "def", "def is not part of the language", "square(u) = u*u"),
    ("lambda x: x", "syntax", "lambda", "lambda is not part of the language", "square(u) = u*u"),
    ("d/dx x^2", "syntax", "d/dx", "d/dx is not needed", "write the formula alone"),
    ("q = x\n+ y", "syntax", "+", "a line begins with +", "end the line above with +"),
    ("q = x # first\n\n  + y", "syntax", "+", "a line begins with +", "in parentheses"),
    # if
    ("if x>3", "syntax", "if", "if is a function here", "write if(condition, a, b)"),
    ("if", "syntax", "if", "if is a function here", "write if(condition, a, b)"),
    ("1 if x > 3 else 2", "syntax", "if", "if is a function here", "write if(condition, a, b)"),
    ("if()", "syntax", "if()", "if() has no operands", "write if(condition, a, b)"),
    ("if(x>3)", "syntax", "if(x>3)", "if takes three parts, not 1", "write if(condition, a, b)"),
    ("2*if (x>3,1)", "syntax", "if (x>3,1)", "if takes three parts, not 2", "if(condition, a, b)"),
    ("if(x>3,1,2,3)", "syntax", ",", "if takes three parts, not more", "if(condition, a, b)"),
    ("if(x, 1, 2)", "syntax", "x", "the condition of if is not a comparison", "such as x != 0"),
    ("if( max(x, y)*2 ,1,2)", "syntax", "max(x, y)*2", "is not a comparison", "max(x, y)*2 != 0"),
    ("if(x>0 and y>0,1,2)", "syntax", "and", "and joins no conditions", "if(a > 0, if(b > 0, x, y), y)"),
    ("if(x>0 or y>0,1,2)", "syntax", "or", "or joins no conditions", "nest the ifs"),
    ("if(x>0 && y>0,1,2)", "syntax", "&&", "&& joins no conditions", "nest the ifs"),
    ("if(x>0 || y>0,1,2)", "syntax", "||", "|| joins no conditions", "nest the ifs"),
    ("if(not x>0,1,2)", "syntax", "not", "there is no not", "swap the branches"),
    ("if(!x,1,2)", "syntax", "!", "! is not part of the language", "swap the branches"),
    ("if(0<x<1,1,2)", "syntax", "<", "comparisons cannot be chained", "nest the ifs"),
    ("if((x>0),1,2)", "syntax", ">", "a comparison in parentheses of its own", "if(x > 0, a, b)"),
    ("if(x=3,1,2)", "syntax", "=", "= compares nothing", "write == to compare"),
    ("if(x=<3,1,2)", "syntax", "=<", "=< is not a comparison", "write <="),
    ("if(x=>3,1,2)", "syntax", "=>", "=> is not a comparison", "write >="),
    ("if(x<>3,1,2)", "syntax", "<>", "<> is not a comparison", "write !="),
    ("if(x===3,1,2)", "syntax", "===", "=== is not a comparison", "write =="),
    ("if(x!==3,1,2)", "syntax", "!==", "!== is not a comparison", "write !="),
    ("if(<3,1,2)", "syntax", "<", "< has nothing on its left", "before <"),
    ("if(x>,1,2)", "syntax", ">", "nothing stands after >", "after >"),
    ("if(,1,2)", "syntax", "(,", "an operand is missing before the comma", "between ( and ,"),
    ("if(x>0;1;2)", "syntax", ";", "; inside parentheses", "separate operands with commas"),
    ("x > 3", "syntax", ">", "a comparison outside if(...)", "if(x > 0, a, b)"),
    ("2*(x == 3)", "syntax", "==", "a comparison outside if(...)", "if(x > 0, a, b)"),
    ("max(x <= 3, 1)", "syntax", "<=", "a comparison outside if(...)", "if(x > 0, a, b)"),
    ("x ? a : b", "syntax", "?", "? is not part of the language", "if(condition, a, b)"),
    # numbers
    ("1_000", "syntax", "1_000", "1_000 is not a number", "without _"),
    ("0x10", "syntax", "0x10", "0x10 is not a decimal number", "the digits 0 to 9"),
    ("1.2.3", "syntax", "1.2.3", "1.2.3 is not a number", "one decimal point"),
    ("1..2", "syntax", "1..2", "1..2 is not a number", "one decimal point"),
    ("1e", "syntax", "1e", "1e has no exponent", "write 1e3, or 1*e"),
    ("1e+", "syntax", "1e", "1e has no exponent", "write 1e3, or 1*e"),
    ("1e999", "overflow", "1e999", "1e999 is too large a number", "1.7976931348623157e308"),
    ("1e-999", "overflow", "1e-999", "1e-999 is too small a number", "5e-324"),
    ("3,14*x", "syntax", "3,14", "a comma outside a function", "3.14, not 3,14"),
    ("(3,14)", "syntax", "3,14", "a comma outside a function", "3.14, not 3,14"),
    ("x, y", "syntax", ",", "a comma outside a function", "separate stages with ;"),
    # parentheses
    ("(x", "syntax", "(", "a parenthesis is never closed", "add the closing parenthesis"),
    ("((x*(y+1)", "syntax", "(", "2 parentheses are never closed", "parentheses: ))"),
    ("sin(x; y", "syntax", "(", "a parenthesis is never closed", "add the closing parenthesis"),
    ("a = (x + 1\nb = 2", "syntax", "(", "a parenthesis is never closed", "add the closing"),
    ("a = (x + 1\nb = 2)", "syntax", "b", "a stage begins at b, inside parentheses", "before it"),
    ("x)", "syntax", ")", "a closing parenthesis without an opening one", "remove it"),
    ("(x))*2", "syntax", ")", "a closing parenthesis without an opening one", "remove it"),
    (")", "syntax", ")", "a closing parenthesis without an opening one", "remove it"),
    # characters
    ("x % 2", "syntax", "%", "% is not part of the language", "/100"),
    ("x mod 2", "syntax", "mod", "mod is a function here", "write mod(x, y)"),
    ("x // 2", "syntax", "//", "there is no //", "comments begin with #"),
    ("x!", "syntax", "!", "! is not part of the language", "gamma(x + 1)"),
    ("$x", "syntax", "$", "$ is not part of the language", "a program has no $"),
    ("@ y", "syntax", "@", "@ is not part of the language", "beside the program"),
    ("'x'", "syntax", "'", "' is not part of the language", "without quotation marks"),
    ('"x"', "syntax", '"', '" is not part of the language', "without quotation marks"),
    ("w[]", "syntax", "[]", "nothing stands between the brackets", "one number at least"),
    ("w[1", "syntax", "[", "a square bracket is never closed", "the closing bracket ]"),
    ("[1,2; x = 3", "syntax", "[", "a square bracket is never closed", "the closing bracket ]"),
    ("W @", "syntax", "@", "nothing stands after @", "a number or an expression after @"),
    ("x : y", "syntax", ":", ": declares a shape, and none follows", "stages are separated by ;"),
    ("W: 3,4; W", "syntax", "W: 3,", "a comma in a shape", "sizes have x between them"),
    ("W: 3x4, b: 4; W", "syntax", "W: 3x4,", "a comma in a shape", "stages a semicolon"),
    ("W: (3,4); W", "syntax", ":", ": declares a shape, and none follows", "W: 3x4, X: NxD"),
    ("W: nxd; W", "syntax", ":", ": declares a shape, and none follows", "capital letters"),
    ("A'B", "syntax", "'B", "two arrays side by side", "the matrix product is @"),
    ("A.T B", "syntax", ".T B", "two arrays side by side", "the matrix product is @"),
    ("[1,2] x", "syntax", "] x", "two arrays side by side", "element by element is *"),
    ("W @@ x", "syntax", "@@", "nothing stands between @ and @", "remove one of them"),
    ("[1;2;]", "syntax", ";]", "a row is missing", "or remove it"),
    ("[1;;2]", "syntax", ";;", "a row is missing", "put numbers between"),
    ("x[::2]", "syntax", "::", "a slice has no step", "x[[0, 2, 4]]"),
    ("x[...]", "syntax", "...", "... is not part of the language", "a colon for a whole axis"),
    ("[1 2 3]", "syntax", "1 2", "two numbers side by side: 1 and 2", "a comma between them: [1, 2]"),
    ("f((2, y)) + f(2)", "syntax", "f", "a comma in parentheses within f(...)", "f(x, y)"),
    ("W.t() @ x", "syntax", "W.t", "W.t is not part of the language", "write W.T"),
    ("W.dot(x)", "syntax", "W.dot", "W.dot is not part of the language", "write W @ ..."),
    ("x.shape[0]", "syntax", "x.shape", "x.shape is not part of the language", "size(x)"),
    ("(x + 1).sum()", "syntax", ".sum", ".sum is not part of the language", "write sum(x)"),
    ("X.mean(0)", "syntax", "X.mean", "X.mean is not part of the language", "mean(X, axis=0)"),
    ("sum(X, axis=1, keepdims=False)", "syntax", ",", "the axis stays with size 1 in any case", "C[:,0] is a vector"),
    ("sum(axis=0)", "syntax", "(", "the axis stands after the array", "write sum(X, axis=0)"),
    ("sum(X, axis=2)", "syntax", "2", "a matrix has no axis 2", "axis 1 across the columns"),
    ("np.sum(X, axis=0)", "syntax", "np.sum", "np.sum drops the axis that it goes along", "or add keepdims=True"),
    ("tf.reduce_max(X, axis=-1)", "syntax", "tf.reduce_max", "drops the axis", "write max(x, axis=-1)"),
    ("len(x)", "name", "len", "there is no function len", "size(x) of a vector"),
    ("inv(A)", "name", "inv", "there is no function inv", "no inverse is computed here"),
    ("array([1,2])", "name", "array", "there is no function array", "in square brackets: [1, 2]"),
    ("np.vstack([u, v])", "name", "np.vstack", "there is no function vstack", "concat(A, B, axis=0)"),
    ("softmax(z, 1)", "arity", "softmax(z, 1)", "softmax takes 1 operand, not 2", "along the last axis"),
    ("norm(x, 2)", "arity", "norm(x, 2)", "norm takes 1 operand, not 2", "norm(x) is the length"),
    ("zeros(2,3,4)", "arity", "zeros(2,3,4)", "zeros takes 1 or 2 operands, not 3", "two axes at most"),
    ("sin(X, axis=0)", "arity", "sin(X, axis=0)", "sin takes no axis", "along an axis go concat, logsoftmax"),
    ("[[1, 2], [3]]", "syntax", "[3]", "row 2 has 1 number, row 1 has 2", "as long"),
    ("[[[1]]]", "syntax", "[[[1]]]", "an array has two axes at most", "a list of its rows"),
    ("W: 2x3; x", "name", "W", "W is declared, and never used", "use the name"),
    ("W: 2", "syntax", None, "the program declares shapes, but computes nothing", "add a last stage"),
    ("W: 2; W: 2; W", "name", "W", "W is declared twice", "one shape"),
    ("sin: 2; x", "name", "sin", "sin is the name of a function", "variables and stages"),
    ("W: 0; W", "syntax", "W", "W has no elements", "begin at 1"),
    ("W: 2x3x4; W", "syntax", "W", "W has 3 axes", "two at most"),
    ("sum(x, axis=2)", "syntax", "2", "a matrix has no axis 2", "axis 0 goes down the rows"),
    ("exp(x, axis=1)", "arity", "exp(x, axis=1)", "exp takes no axis", "along an axis go"),
    ("sum(x, y, axis=1)", "arity", "sum(x, y, axis=1)", "sum along an axis takes one array", "axis=1"),
    ("x_{1}", "syntax", "_{", "{ is not part of the language", "as part of the name: x_1"),
    ("x^{2}", "syntax", "^{", "{ is not part of the language", "x^(y + 1)"),
    ("{x}", "syntax", "{", "{ is not part of the language", "round parentheses"),
    ("\\frac{1}{x}", "syntax", "\\frac", "\\frac is LaTeX", "(a + b)/c"),
    ("x \\cdot y", "syntax", "\\cdot", "\\cdot is LaTeX", "write *"),
    ("\\left(x)", "syntax", "\\left", "\\left is LaTeX", "the parenthesis alone"),
    ("\\sin x", "syntax", "\\sin", "not written in LaTeX", "sqrt(x)"),
    ("x + \\\ny", "syntax", "\\", "\\ is not part of the language", "without backslashes"),
    ("x.y", "syntax", "x.y", "x.y is not part of the language", "np.exp(x)"),
    ("np.inf", "syntax", "np.inf", "np.inf is not part of the language", "np.exp(x)"),
    ("exp.(x)", "syntax", "exp.", "exp.( is not part of the language", "write exp(...)"),
    ("x.^2", "syntax", ".^", ".^ is not part of the language", "is ^, the matrix product is @"),
    ("x.", "syntax", ".", ". is not part of the language", "such as 2.5"),
    ("||x||", "syntax", "|", "| is not part of the language", "abs(x)"),
    ("x — y", "syntax", "—", "— (em dash)", "write -"),
    ("√", "syntax", "√", "√ (square root)", "write sqrt(x)"),
    ("²", "syntax", "²", "² is not part of the language", "write ^2"),
    ("xа", "syntax", "а", "а (cyrillic small letter a)", "it looks like the letter a"),
    ("Α + 1", "syntax", "Α", "Α (greek capital letter alpha)", "it looks like the letter A"),
    ("größe", "syntax", "ö", "ö (latin small letter o with diaeresis)", "ASCII letters"),
    ("٣", "syntax", "٣", "٣ (arabic-indic digit three)", "type 3"),
    ("x\x00y", "syntax", "\x00", "\\x00 is not part of the language", "invisible"),
    ("x\x1b[31m", "syntax", "\x1b", "\\x1b is not part of the language", "invisible"),
    ("x\u200b*y", "syntax", "\u200b", "\\u200b (zero width space)", "invisible"),
    ("x\u202e*y", "syntax", "\u202e", "\\u202e (right-to-left override)", "invisible"),
    ("x\ufeff", "syntax", "\ufeff", "\\ufeff (zero width no-break space)", "invisible"),
    ("x +\xa0y", "syntax", "\xa0", "\\xa0 (no-break space)", "type an ordinary space"),
    ("x + \udc80", "syntax", "\udc80", "\\udc80 is not part of the language", "invisible"),
    ("💥", "syntax", "💥", "💥 (collision symbol)", "a program is names, numbers"),
    ("“x”", "syntax", "“", "“ (left double quotation mark)", "without quotation marks"),
)  # fmt: skip


def error_of(program: str) -> BackpropError:
    with pytest.raises(BackpropError) as caught:
        parsed(program)
    return caught.value


@pytest.mark.parametrize(("program", "kind", "underlined", "message", "hint"), ADVICE)
def test_advice(program, kind, underlined, message, hint):
    error = error_of(program)
    assert message in error.message
    assert hint in error.hint
    assert (program[slice(*error.span)] if error.span else None) == underlined
    assert error.kind == kind
    check_shape(error, program)


def check_shape(error: BackpropError, program: str) -> None:
    """One plain line each, a span within the text, and a paragraph of bounded length."""
    for text in (error.message, error.hint, error.label):
        assert text.isprintable()
        assert len(text) <= 200
    assert error.message
    assert error.hint
    if error.span is not None:
        start, end = error.span
        assert 0 <= start < end <= len(program)
    assert len(as_text(error)) < LONGEST


def test_every_row_has_an_example():
    def fits(template, text):
        return re.fullmatch(re.sub(r"\\\{\w+\\\}", ".*", re.escape(template)), text)

    found = [error_of(program) for program, *_ in ADVICE]
    for _, left, right, message, hint in SLIPS:
        assert any(fits(message, e.message) and fits(hint, e.hint) for e in found), (left, right)


def test_what_is_advised_can_be_written():
    for meant in SYNONYMS.values():
        if meant not in FUNCTIONS and meant != "if":
            parsed(meant)


@pytest.mark.parametrize("character", "".join([*MEANT, *PLAIN, *RESEMBLES]))
def test_every_stray_character_has_a_way_out(character):
    error = error_of(f"x + {character}")
    assert error.message.endswith(" is not part of the language") or character == "&"
    check_shape(error, f"x + {character}")


LONG = "a" * 100_000
LONG_PROGRAMS = (
    f"{LONG}(x)",
    f"{LONG} x",
    f"x {LONG}",
    f"1/2{LONG}",
    f"{LONG}^2{LONG}",
    f"a/{LONG}({LONG})",
    f"√{LONG}²",
    f"np.{LONG}",
    f"{LONG}.{LONG}",
    f"{LONG}'(x)",
    f"{LONG} = 1; {LONG} = 2",
    f"{LONG} = {LONG} + 1",
    f"x*{LONG}; {LONG} = 2",
    f"{LONG}(u) = w; x",
    f"f({LONG}) = w; x",
    f"f(u) = {LONG}",
    f"{LONG}(u) = u; {LONG}(x, y)",
    f"{LONG}(u) = u; {LONG}",
    f"{LONG}(u) = u; {LONG}()",
    f"{LONG}(u) = u; {LONG}_(u) = u",
    f"{LONG}(u) = {LONG}(u)",
    f"f({LONG}, {LONG}) = 2",
    f"f({', '.join(f'u{i}' for i in range(10_000))}) = w",
    f"f({', '.join(f'u{i}' for i in range(10_000))}) = u1; f(x)",
    f"f({LONG}+1) = x",
    f"{'1' * 20_000}*x",
    f"1e{'9' * 4_000}",
    f"0.{'0' * 20_000}1",
    f"{'1' * 300}.{'2' * 20_000}.3",
    f"{'1' * 300} {'2' * 300}",
    f"if({'x+' * 10_000}x, 1, 2)",
    f"if({'x+' * 10_000}x > 3)",
    f"{'x+' * 10_000}x = 2",
    f"{'x+' * 10_000}*2",
    "(" * 20_000,
    ")" * 20_000,
    "x" + ")" * 20_000,
    "=" * 10_000,
    "é" * 20_000,
    "²" * 20_000,
    "√" * 20_000,
    "|" * 20_000,
    "|x" * 20_000,
    "x|" * 20_001,
    "½" * 20_000,
    "np." * 20_000,
    "np.sum(" * 5_000,
    "1/2" + "(x)" * 10_000,
    "\x1b" * 20_000,
    "x " * 10_000,
    "\n" * 20_000 + "x +",
    "x + " + "# y\n" * 10_000,
    "(x\n" * 10_000 + "y = 2",
    f"max({'x,' * 10_000})",
    "^" * 20_000,
)


@pytest.mark.parametrize("program", LONG_PROGRAMS, ids=lambda text: f"{text[:6]!r}-{text[-6:]!r}")
def test_errors_stay_short(program):
    check_shape(error_of(program), program)


PIECES = [
    "x", "y", "f", "if", "sin", "max", "e", "2", ".5", "1e3", "(", ")", ",", ";", "\n", "=", "==", "<", ">=",
    "+", "-", "*", "/", "^", "**", " ", "# c\n", "f(u) = ", "q = ", "if(", "f(", "max(", "u", "\t", "\r\n",
    "×", "²", "½", "√", "π", "θ", "σ(", "₁", "|", "np.", "np.exp(", "where(", "2x", ")(", "import numpy as np\n", "\u2062", "\\", "{", "[", "!", "&", "|", "%", "é", "\u200b", "\x00", "'", "and", "1_0", "0x1", ".", "_",
]  # fmt: skip


@settings(max_examples=often(250, 500))
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_whatever_is_typed_is_read_or_explained(program):
    try:
        graph = parsed(program)
    except BackpropError as error:
        check_shape(error, program)
    else:
        assert len(graph) > graph.output


@given(st.text(max_size=20))
def test_whatever_text_there_is(program):
    try:
        parsed(program)
    except BackpropError as error:
        check_shape(error, program)


def test_nearest():
    assert nearest("sigmoyd", ["sigmoid", "sin"]) == "sigmoid"
    assert nearest("SIN", ["sigmoid", "sin"]) == "sin"
    assert nearest("zzz", ["sigmoid", "sin"]) == ""
    assert nearest("x", []) == ""
    assert nearest("a" * 100_000, ["sigmoid"] * 100_000) == ""


def test_shorten():
    assert shorten("abc") == "abc"
    assert shorten("a" * 40) == "a" * 40
    assert len(shorten("a" * 41)) == 40
    assert shorten("a" * 20 + "b" * 1000 + "c" * 9).endswith("...ccccccccc")


def test_visible():
    assert visible("x + y") == "x + y"
    assert visible("\x1b[31m\n\u202e\ud800é") == "\\x1b[31m\\n\\u202e\\ud800é"
