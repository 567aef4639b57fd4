#!/usr/bin/env dotnet
// A density of your own with Monge's whole command line:
//   dotnet run examples/banana.cs -- sample --seed 1
#:project ../src/Monge.Cli/Monge.Cli.csproj
#:property PublishAot=false
#:property RestorePackagesWithLockFile=false

using Monge.Cli;
using Monge.Measures;

// The formula is traced once, for one position x; what it returns is the logarithm of the density, up to a constant.
var banana = Density.Create("my-banana", dimension: 2, x =>
    (-0.005 * x[0].Square()) - (0.5 * (x[1] + (0.1 * x[0].Square()) - 10).Square()));

return await MongeCommand.RunAsync(args, banana);
