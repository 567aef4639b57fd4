#!/usr/bin/env dotnet
// Failures of ten pumps, each with a rate of its own, the rates from one gamma law (Gaver and O'Muircheartaigh 1987). BUGS reports shape 0.70, rate 0.93,
// theta[1] 0.060, theta[10] 1.99 ("Pumps").
//   dotnet run examples/gamma-poisson.cs -- sample --seed 1
#:project ../src/Monge.Cli/Monge.Cli.csproj
#:property PublishAot=false
#:property RestorePackagesWithLockFile=false

using Monge.Cli;
using Monge.Engine.Programs;
using Monge.Measures;

double[] failures = [5, 1, 5, 14, 3, 19, 1, 1, 4, 22], hours = [94.3, 15.7, 62.9, 126, 5.24, 31.4, 1.05, 1.05, 2.1, 10.5];
SupportTransform shape = SupportTransform.Positive(), rate = SupportTransform.Positive(), theta = SupportTransform.Positive(failures.Length);

var pumps = Density.Create("pumps", 2 + failures.Length, x =>
    LogDensities.Exponential(x[0], 1) + LogDensities.Gamma(x[1], 0.1, 1) + LogDensities.Gamma(x[2..], x[0], x[1]).Sum()
        + LogDensities.Poisson(Expr.Constant(failures), x[2..] * Expr.Constant(hours)).Sum(),
    new DensityOptions
    {
        Description = "Failures of ten pumps whose rates come from one gamma law.",
        Support = [shape, rate, theta],
        Names = [.. shape.Names("shape"), .. rate.Names("rate"), .. theta.Names("theta")],
    });

return await MongeCommand.RunAsync(args, pumps);
